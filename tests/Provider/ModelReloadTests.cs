using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Mapped weight files that change under a registered model: it is loaded anew.</summary>
[Collection(TorchCollection.Name)]
public sealed class ModelReloadTests : IDisposable
{
    private readonly CopiedModel _model = new();

    public void Dispose() => _model.Dispose();

    [SkippableFact]
    public async Task TheRequestThatMeetsTheChange_IsAnsweredByTheModelLoadedAnew()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows locks mapped files.");
        await using var provider = Services();
        var client = provider.GetRequiredService<IChatClient>();
        var model = provider.GetRequiredKeyedService<LazyModel>("default");
        await Ask(client);
        var (first, fingerprint) = (model.Current, model.Fingerprint);
        Overwrite();
        var answer = await Ask(client);
        Assert.NotSame(first, model.Current);
        Assert.Equal(EngineState.Faulted, first!.GetStatus().State);
        Assert.Equal(EngineState.Ready, model.GetStatus().State);
        // A cache must not take the old one's answers for those of the new one.
        Assert.NotEqual(fingerprint, model.Fingerprint);
        await using var fresh = Services();
        Assert.Equal(await Ask(fresh.GetRequiredService<IChatClient>()), answer);
    }

    [Fact]
    public async Task WhoWaitsWhenTheEngineEnds_IsAnsweredByTheModelLoadedAnew()
    {
        // Holds the engine's thread where it tells of its first answer, until it is let go.
        using var held = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        var log = new CollectingLogger
        {
            Heard = text =>
            {
                if (!text.StartsWith("Answered", StringComparison.Ordinal)) return;
                held.Set();
                go.Wait();
            },
        };
        await using var provider = Services(inMemory: true, log);
        var client = provider.GetRequiredService<IChatClient>();
        var model = provider.GetRequiredKeyedService<LazyModel>("default");
        var expected = await Ask(client);
        held.Wait();
        var first = (VisionLanguageEngine)model.Current!;
        var waiting = Enumerable.Range(0, 3).Select(_ => Ask(client)).ToList();
        while (first.GetStatus().QueueLength < waiting.Count) await Task.Delay(5);
        first.BreakForTests(new InvalidOperationException("a defect"));
        go.Set();
        Assert.All(await Task.WhenAll(waiting), answer => Assert.Equal(expected, answer));
        Assert.NotSame(first, model.Current);
        Assert.Equal(EngineState.Ready, model.GetStatus().State);
    }

    [SkippableFact]
    public async Task FilesThatCannotBeLoaded_AreTold_AndTheNextRequestTriesAgain()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows locks mapped files.");
        await using var provider = Services();
        var client = provider.GetRequiredService<IChatClient>();
        var model = provider.GetRequiredKeyedService<LazyModel>("default");
        var expected = await Ask(client);
        var bytes = File.ReadAllBytes(_model.Weights);
        using (var file = Open()) file.SetLength(100);
        var e = await Assert.ThrowsAnyAsync<Exception>(() => Ask(client));
        Assert.Equal(VisionErrorKind.Unavailable, e.GetVisionErrorKind());
        Assert.Equal(EngineState.Faulted, model.GetStatus().State);
        using (var file = Open()) file.Write(bytes);
        Assert.Equal(expected, await Ask(client));
        Assert.Equal(EngineState.Ready, model.GetStatus().State);
    }

    [SkippableFact]
    public async Task AnEngineOfTheApplication_IsItsOwnToLoadAgain()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows locks mapped files.");
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = _model.Path, Device = "cpu", WeightsInMemory = false });
        using var client = engine.AsIChatClient();
        await Ask(client);
        Overwrite();
        await Assert.ThrowsAsync<WeightsChangedException>(() => Ask(client));
        Assert.Equal(EngineState.Faulted, engine.GetStatus().State);
        await Assert.ThrowsAsync<EngineUnavailableException>(() => Ask(client));
    }

    [Fact]
    public async Task FilesThatChangeAfterTheLoad_DoNotPutItsAnswersUnderTheNewOnesKey()
    {
        await using var provider = Services(inMemory: true);
        var model = provider.GetRequiredKeyedService<LazyModel>("default");
        var before = model.Fingerprint;
        await model.GetAsync(default);
        Overwrite();
        Assert.Equal(before, model.Fingerprint);
        await using var fresh = Services(inMemory: true);
        Assert.NotEqual(before, fresh.GetRequiredKeyedService<LazyModel>("default").Fingerprint);
    }

    private static async Task<string> Ask(IChatClient client) =>
        (await client.GetResponseAsync("Hello?", new ChatOptions { MaxOutputTokens = 4, Temperature = 0 })).Text;

    private ServiceProvider Services(bool inMemory = false, ILoggerFactory? log = null)
    {
        var services = new ServiceCollection();
        services.AddD2PrunerModel("default", o => (o.ModelPath, o.Device, o.WeightsInMemory) = (_model.Path, "cpu", inMemory));
        services.AddD2PrunerChatClient();
        if (log is not null) services.AddSingleton(log);
        return services.BuildServiceProvider();
    }

    private FileStream Open() => new(_model.Weights, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);

    // Weights of the language model, in the middle of the file.
    private void Overwrite()
    {
        using var file = Open();
        file.Seek(400_000, SeekOrigin.Begin);
        file.Write(new byte[600_000]);
    }
}
