using System.Text.Json;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>Every method by its name over the shipped model: from chat options, from configuration and from the command line.</summary>
[Collection(TorchCollection.Name)]
public sealed class ServedMethodsTests(ServedMethodsTests.Engine engine) : IClassFixture<ServedMethodsTests.Engine>
{
    private static readonly byte[] Picture =
        D2Pruner.AI.Evaluation.Scenes.SceneCases.Case(D2Pruner.AI.Evaluation.Scenes.Split.Test, 48, 0).Png;

    public static TheoryData<string> Methods => [.. PrunerRegistry.BuiltIn.Names];

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task ByName_FromChatOptions(string method)
    {
        using var client = new D2PrunerChatClient(engine.Value);
        var report = await Ask(client,
            new ChatOptions { MaxOutputTokens = 2 }.WithPruning(PruningPreset.Understanding)
            .WithPruning(new VisualPruningOptions { Method = method, KeepTokens = 64 }));
        var d = PrunerRegistry.BuiltIn.Get(method);
        Assert.Equal(method, report.Method);
        Assert.Equal(method switch { "pool2x2" => 144, "pool3x3" => 64, _ => 64 }, report.VisualTokensKept);
        Assert.Equal(d.Parameters.Select(p => p.Name).Order(), report.Parameters!.Keys.Order());
        Assert.Equal(d.Find("alpha") is null, report.Alpha is null);
        Assert.Equal(d.UsesPrior, report.Prior is not null);
        Assert.Equal(d.Depth switch { PrunerDepth.AtInput => 0, PrunerDepth.OwnStages => 3, _ => 2 }, report.LayersBeforePruning);
    }

    [Theory]
    [InlineData("stride")]
    [InlineData("divprune")]
    [InlineData("fastv")]
    public async Task Reindexed_positions_are_served(string method)
    {
        using var client = new D2PrunerChatClient(engine.Value);
        var options = new ChatOptions { MaxOutputTokens = 4,
            AdditionalProperties = new() { ["d2pruner.preset"] = "understanding", ["d2pruner.method"] = method,
                ["d2pruner.positions"] = "reindexed" } };
        var report = await Ask(client, options);
        Assert.Equal("reindexed", report.Parameters!["positions"].GetString());
        Assert.Equal(192, report.VisualTokensKept);
    }

    /// <summary>The engine hands over what the parameter asks for; of 576 tokens 0.1 is 57.6.</summary>
    [Theory]
    [InlineData("d2pruner")]
    [InlineData("d2pruner-ladder")]
    public async Task Features_and_rounding_are_served(string method)
    {
        using var client = new D2PrunerChatClient(engine.Value);
        var options = new ChatOptions { MaxOutputTokens = 2,
            AdditionalProperties = new() { ["d2pruner.preset"] = "understanding", ["d2pruner.method"] = method,
                ["d2pruner.keep_ratio"] = 0.1 } };
        var before = await Ask(client, options);
        Assert.Equal(("hidden", "floor", 57), (before.Parameters!["features"].GetString(),
            before.Parameters!["rounding"].GetString(), before.VisualTokensKept));
        options.AdditionalProperties["d2pruner.features"] = "normed";
        options.AdditionalProperties["d2pruner.rounding"] = "nearest";
        var after = await Ask(client, options);
        Assert.Equal(("normed", "nearest", 58), (after.Parameters!["features"].GetString(),
            after.Parameters!["rounding"].GetString(), after.VisualTokensKept));
    }

    [Fact]
    public async Task ByName_FromConfiguration_WithParameters()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Preset"] = "Understanding",
            ["Pruning:Method"] = "random",
            ["Pruning:Layer"] = "3",
            ["Pruning:KeepTokens"] = "9",
            ["Pruning:Parameters:seed"] = "5",
        }).Build();
        var options = configuration.Get<D2PrunerChatClientOptions>()!;
        using var client = new D2PrunerChatClient(engine.Value, options);
        var report = await Ask(client, new ChatOptions { MaxOutputTokens = 1 });
        Assert.Equal(("random", 3, 9, 5.0),
            (report.Method, report.LayersBeforePruning, report.VisualTokensKept, report.Parameters!["seed"].GetDouble()));
        options.Pruning.With("seed", -1);
        Assert.Contains("seed", Assert.Throws<ArgumentException>(() => new D2PrunerChatClient(engine.Value, options)).Message);
        options.Pruning = new VisualPruningOptions { Method = "nothing" };
        Assert.Contains("known methods", Assert.Throws<ArgumentException>(() => new D2PrunerChatClient(engine.Value, options)).Message);
        options.Pruning = new VisualPruningOptions().With("no_such", 1);
        Assert.Contains("no_such", Assert.Throws<ArgumentException>(() => new D2PrunerChatClient(engine.Value, options)).Message);
    }

    [Fact]
    public async Task ByName_FromTheCommandLine_WithParameters()
    {
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.png");
        await File.WriteAllBytesAsync(file, Picture);
        var before = Console.Out;
        using var writer = new StringWriter();
        Console.SetOut(writer);
        try
        {
            Assert.Equal(0, await AskCommand.Create()
                .Parse(["--model", Repository.DemoModel, "--image", file, "--prompt", "what is this", "--preset", "understanding",
                    "--method", "d2pruner-ladder",
                "--pivot-ratio", "0.5", "--theta", "0.7", "--layer", "4", "--keep", "64", "--max-tokens", "1", "--json"]).InvokeAsync());
        }
        finally
        {
            Console.SetOut(before);
            File.Delete(file);
        }

        var pruning = JsonDocument.Parse(writer.ToString()).RootElement.GetProperty("pruning");
        Assert.Equal(("d2pruner-ladder", 4, 64),
            (pruning.GetProperty("method").GetString(), pruning.GetProperty("layer").GetInt32(),
                pruning.GetProperty("visual_tokens_kept").GetInt32()));
        Assert.Equal((0.5, 0.7), (
            pruning.GetProperty("parameters").GetProperty("pivot_ratio").GetDouble(),
            pruning.GetProperty("parameters").GetProperty("theta").GetDouble()));
    }

    [Fact]
    public async Task AMethodOfAnApplication_IsOneFileAndOneLine()
    {
        using var client = new D2PrunerChatClient(engine.Value, pruners: PrunerRegistry.BuiltIn.With(FirstTokens.Description));
        var options = new ChatOptions { MaxOutputTokens = 1,
            AdditionalProperties = new() { ["d2pruner.preset"] = "understanding", ["d2pruner.method"] = "first", ["d2pruner.skip"] = 10,
                ["d2pruner.keep_tokens"] = 5 } };
        var report = await Ask(client, options);
        Assert.Equal([10, 11, 12, 13, 14], report.Images[0].Kept);
        options.AdditionalProperties["d2pruner.skip"] = 101;
        Assert.Contains("between 0 and 100", (await Assert.ThrowsAnyAsync<ArgumentException>(() => Ask(client, options))).Message);
    }

    private static async Task<PruningReport> Ask(IChatClient client, ChatOptions options)
    {
        var message = new ChatMessage(ChatRole.User, [new DataContent(Picture, "image/png"), new TextContent("what is this")]);
        return (await client.GetResponseAsync([message], options)).GetPruningReport()!;
    }

    private sealed class FirstTokens(PruningSettings settings) : IVisualTokenPruner
    {
        private static readonly PrunerParameter Skip = PrunerParameter.Whole("skip", 0, 0, 100, "Tokens left out at the beginning.");

        public static PrunerDescription Description { get; } = new()
        {
            Name = "first",
            Summary = "The first tokens.",
            Kind = PrunerKind.Experiment,
            Parameters = [Skip],
            Create = (settings, _) => new FirstTokens(settings),
        };

        public string Name => "first";

        public IReadOnlyList<PruningStage> Schedule { get; } = [PruningStage.Single(settings, PruningSignals.None)];

        public TokenReduction Reduce(PruningContext context) =>
            new() { Kept = [.. Enumerable.Range(settings.Parameters.Whole(Skip), context.Budget)] };
    }

    public sealed class Engine : IAsyncLifetime
    {
        public VisionLanguageEngine Value { get; private set; } = null!;

        public async Task InitializeAsync() =>
            Value = await VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = Repository.DemoModel });

        public async Task DisposeAsync() => await Value.DisposeAsync();
    }
}
