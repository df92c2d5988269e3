using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>One cache under several clients.</summary>
public sealed class CachingTests
{
    private readonly MemoryCache _cache = new();

    private static ChatMessage Question =>
        new(ChatRole.User, [new DataContent(TinyPng.Bytes, "image/png"), new TextContent("What is this?")]);

    private IChatClient Client(ScriptedEngine engine, D2PrunerChatClientOptions? options = null, bool plain = false)
    {
        var builder = new D2PrunerChatClient(engine, options).AsBuilder();
        return (plain ? builder.UseDistributedCache(_cache) : builder.UseD2PrunerDistributedCache(_cache)).Build();
    }

    [Fact]
    public async Task SameClientSameQuestion_IsAnsweredFromTheCache_ReportIncluded()
    {
        var engine = new ScriptedEngine();
        using var client = Client(engine);
        var first = await client.GetResponseAsync([Question]);
        var second = await client.GetResponseAsync([Question]);
        Assert.Single(engine.Requests);
        Assert.Equal(first.Text, second.Text);
        Assert.Equal(2, second.GetPruningReport()!.VisualTokensKept);
        await client.GetStreamingResponseAsync([Question]).ToListAsync();
        await client.GetStreamingResponseAsync([Question]).ToListAsync();
        Assert.Equal(2, engine.Requests.Count);
    }

    [Fact]
    public async Task TwoPresetsOverOneCache_DoNotShareAnAnswer()
    {
        var engine = new ScriptedEngine();
        using var a = Client(engine, new D2PrunerChatClientOptions { Preset = PruningPreset.Understanding });
        using var b = Client(engine, new D2PrunerChatClientOptions { Preset = PruningPreset.Localization });
        Assert.Equal(PruningPreset.Understanding, (await a.GetResponseAsync([Question])).GetPruningReport()!.Preset);
        Assert.Equal(PruningPreset.Localization, (await b.GetResponseAsync([Question])).GetPruningReport()!.Preset);
        Assert.Equal(2, engine.Requests.Count);
    }

    [Fact]
    public async Task ThePlainCache_WouldShareIt()
    {
        // Why the helper exists: if this ever fails, the framework's key has come to tell clients apart.
        var engine = new ScriptedEngine();
        using var a = Client(engine, new D2PrunerChatClientOptions { Preset = PruningPreset.Understanding }, plain: true);
        using var b = Client(engine, new D2PrunerChatClientOptions { Preset = PruningPreset.Localization }, plain: true);
        await a.GetResponseAsync([Question]);
        Assert.Equal(PruningPreset.Understanding, (await b.GetResponseAsync([Question])).GetPruningReport()!.Preset);
    }

    [Fact]
    public async Task TwoRatiosOfOneClient_DoNotShareAnAnswer()
    {
        var engine = new ScriptedEngine();
        using var client = Client(engine);
        foreach (var ratio in new[] { 0.25, 0.5, 0.25 })
            await client.GetResponseAsync([Question], new ChatOptions().WithPruning(new VisualPruningOptions { KeepRatio = ratio }));
        Assert.Equal(2, engine.Requests.Count);
    }

    [Fact]
    public async Task FactoriesAndPicturesBehindUris_AreNotCached()
    {
        var engine = new ScriptedEngine();
        using var client = Client(engine);
        foreach (var ratio in new[] { 0.25, 0.5 })
        {
            var response = await client.GetResponseAsync(
                [Question], new ChatOptions { RawRepresentationFactory = _ =>
                    new VisionGenerationSettings { Pruning = new VisualPruningOptions { KeepRatio = ratio } } });
            Assert.Equal(ratio, response.GetPruningReport()!.KeepRatio);
        }

        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("a.png"), TinyPng.Bytes);
        using var resolver = new AllowListImageResolver(new ImageResolverOptions { AllowedRoots = [folder.Path] });
        using var fetching = new D2PrunerChatClient(engine, imageResolver: resolver).AsBuilder()
            .UseD2PrunerDistributedCache(_cache).Build();
        for (var i = 0; i < 2; i++)
            await fetching.GetResponseAsync(
                [new ChatMessage(ChatRole.User, [new UriContent($"file://{folder.File("a.png")}", "image/*")])]);
        Assert.Equal(4, engine.Requests.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AModelLoadedAnewMeanwhile_LeavesNoAnswerUnderTheOldKey(bool streamed)
    {
        var model = new ChangingModel { Answering = "new" };
        using var client = new D2PrunerChatClient(model, null, null, null, null).AsBuilder().UseD2PrunerDistributedCache(_cache).Build();
        async Task<int> Ask(string version)
        {
            model.Fingerprint = version;
            if (streamed) await client.GetStreamingResponseAsync([Question]).ToListAsync();
            else await client.GetResponseAsync([Question]);
            return model.Engine.Requests.Count;
        }

        Assert.Equal(1, await Ask("old"));
        Assert.Equal(2, await Ask("old"));
        Assert.Equal(3, await Ask("new"));
        Assert.Equal(3, await Ask("new"));
    }

    [Theory]
    [InlineData(true, false, 1, 2)]
    [InlineData(true, true, 1, 2)]
    [InlineData(false, false, 2, 2)]
    [InlineData(false, true, 2, 3)]
    public async Task AroundFunctionCalls_ItSavesThem_AndInsideThemOnlyTheModelsPart(
        bool outside, bool outputChanges, int calls, int requests)
    {
        var invoked = 0;
        var tool = AIFunctionFactory.Create(() => ++invoked > 0 && outputChanges ? $"seen {invoked}" : "seen", "look");
        var engine = new ToolScript(true, "<tool_call>\n{\"name\": \"look\", \"arguments\": {}}\n</tool_call>", "A cat.");
        var builder = new D2PrunerChatClient(engine).AsBuilder();
        if (outside) builder.UseD2PrunerDistributedCache(_cache);
        builder.UseFunctionInvocation();
        if (!outside) builder.UseD2PrunerDistributedCache(_cache);
        using var client = builder.Build();
        for (var i = 0; i < 2; i++)
            Assert.Equal("A cat.", (await client.GetResponseAsync([Question], new ChatOptions { Tools = [tool] })).Text);
        Assert.Equal((calls, requests), (invoked, engine.Requests.Count));
    }

    [Fact]
    public void WithoutOurClientInside_ItSaysSo()
    {
        using var other = new ChatClientBuilder(_ => new NoClient()).Build();
        Assert.Throws<InvalidOperationException>(() => other.AsBuilder().UseD2PrunerDistributedCache(_cache).Build());
    }

    /// <summary>A model of which another version may answer than the one that was there before.</summary>
    private sealed class ChangingModel : IModelSource
    {
        public ChangingModel() => Engine = new ScriptedEngine { Answering = _ =>
        {
            Fingerprint = Answering;
            return Task.CompletedTask;
        } };

        public ScriptedEngine Engine { get; }

        public required string Answering { get; init; }

        public string? Fingerprint { get; set; }

        public string ModelId => Engine.Model.Id;

        public IReadOnlyCollection<string> Names => [ModelId];

        public IVisionEngine? Current => Engine;

        public ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<IVisionEngine>(Engine);
    }

    private sealed class NoClient : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new ChatResponse());

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            AsyncEnumerable.Empty<ChatResponseUpdate>();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
