using System.Diagnostics;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Imaging;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>The same over a loaded model: the trained demo model.</summary>
[Collection(TorchCollection.Name)]
public sealed class LoadedClientSuite : ClientSuite, IClassFixture<LoadedClientSuite.Engine>
{
    private readonly Engine engine;

    public LoadedClientSuite(Engine engine) => (this.engine, Client) = (engine, engine.Value.AsIChatClient());

    private protected override IChatClient Client { get; }

    [Fact]
    public async Task APictureTurnedByExif_IsSeenUpright()
    {
        const int width = 60, height = 40;
        var stored = Enumerable.Range(0, height)
            .Select(y => Enumerable.Range(0, width).Select(x => (byte)(x * 4 + y * y / 8)).ToArray()).ToArray();
        var upright = Enumerable.Range(0, width)
            .Select(y => Enumerable.Range(0, height).Select(x => stored[height - 1 - x][y]).ToArray()).ToArray();
        var pictures = new[] { TestPng.Write(width, height, 8, 0, stored, TestPng.Orientation(6)),
            TestPng.Write(height, width, 8, 0, upright), TestPng.Write(width, height, 8, 0, stored) };
        var options = new ChatOptions { MaxOutputTokens = 2,
            RawRepresentationFactory = _ => new VisionGenerationSettings { Preset = PruningPreset.Understanding, IncludeScores = true } };
        var seen = new List<PrunedImageReport>();
        foreach (var picture in pictures)
            seen.Add((await Client.GetResponseAsync(
                [new ChatMessage(ChatRole.User, [new DataContent(picture, "image/png"), new TextContent("What is this?")])], options))
                .GetPruningReport()!.Images[0]);
        Assert.Equal([(height, width), (height, width), (width, height)], seen.Select(i => (i.Width, i.Height)));
        Assert.Equal(seen[1].Attention, seen[0].Attention);
        Assert.NotEqual(seen[2].Attention, seen[0].Attention);
    }

    [Fact]
    public async Task Spans_PutThePruningInsideThePrefill()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name == "D2Pruner.AI",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = a => { lock (spans) spans.Add(a); },
        };
        ActivitySource.AddActivityListener(listener);
        using var parent = new Activity("chat").Start();
        await Client.GetResponseAsync([Question()], new ChatOptions { MaxOutputTokens = 2 }.WithPruning(PruningPreset.Understanding));
        await Client.GetResponseAsync([Question()], new ChatOptions { MaxOutputTokens = 2 }.WithoutPruning());
        lock (spans)
        {
            var mine = spans.Where(a => a.TraceId == parent.TraceId).ToList();
            var prune = Assert.Single(mine, a => a.OperationName == "d2pruner.prune");
            var prefill = Assert.Single(mine, a => a.SpanId == prune.ParentSpanId);
            Assert.Equal("d2pruner.prefill", prefill.OperationName);
            Assert.True((int)prefill.GetTagItem("d2pruner.visual_tokens_kept")! < (int)prefill.GetTagItem("d2pruner.visual_tokens")!);
            Assert.Equal(2, mine.Count(a => a.OperationName == "d2pruner.prefill"));
        }
    }

    [Fact]
    public async Task ATypedAnswer_HasTheBox_AndIsGrounded()
    {
        var (png, _) = D2Pruner.AI.Evaluation.Scenes.SceneCases.Case(D2Pruner.AI.Evaluation.Scenes.Split.Test, 48, 0);
        using var client = engine.Value.AsIChatClient(new D2PrunerChatClientOptions { DescribeResponseFormat = false });
        var response = await client.GetResponseAsync<Boxes>(
            [new ChatMessage(ChatRole.User, [new DataContent(png, "image/png"), new TextContent("Where is the circle? Answer as JSON.")])]);
        Assert.True(response.TryGetResult(out var boxes));
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.All(boxes.Items, i => Assert.Equal(4, i.Box.Length));
        Assert.Equal(PruningPreset.Localization, response.GetPruningReport()!.Preset);
        Assert.Equal(boxes.Items.Length, response.GetGroundings().Count + response.GetPruningReport()!.GroundingIssues.Count);
    }

    private sealed record Boxes([property: System.ComponentModel.DataAnnotations.MinLength(1)] Found[] Items);

    private sealed record Found([property: System.ComponentModel.DataAnnotations.Length(4, 4)] double[] Box);

    public sealed class Engine : IAsyncLifetime
    {
        internal VisionLanguageEngine Value { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Value = await VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu" });
        }

        public async Task DisposeAsync() => await Value.DisposeAsync();
    }
}
