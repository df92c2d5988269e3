using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>A registered model that is disposed while it loads, fails to load, or loses its engine.</summary>
[Collection(TorchCollection.Name)]
public sealed class LazyModelTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static string Fixture => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model");

    [Fact]
    public async Task DisposedWhileItLoads_EveryCallerHearsIt_AndNothingStays()
    {
        using var begun = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        var model = new LazyModel(Options(Fixture), null, new Gate(begun, go));
        Task<IVisionEngine>[] callers = [.. Enumerable.Range(0, 3).Select(_ => model.GetAsync(default).AsTask())];
        begun.Wait();
        Assert.Equal(EngineState.Loading, model.GetStatus().State);
        var disposal = model.DisposeAsync().AsTask();
        // It waits for the load, which is at a stage of its own.
        Assert.False(disposal.IsCompleted);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => model.GetAsync(default).AsTask());
        go.Set();
        await disposal.WaitAsync(Patience);
        foreach (var caller in callers)
            Assert.Contains(model.ModelId, (await Assert.ThrowsAsync<ObjectDisposedException>(() => caller.WaitAsync(Patience))).Message);
        Assert.Null(model.Current);
        Assert.NotEqual(EngineState.Ready, model.GetStatus().State);
        await model.DisposeAsync(); // again: nothing
    }

    [Fact]
    public async Task ACallerWhoLeaves_EndsTheLoadForNobodyElse()
    {
        using var begun = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        await using var model = new LazyModel(Options(Fixture), null, new Gate(begun, go));
        using var leaving = new CancellationTokenSource();
        var (first, second) = (model.GetAsync(leaving.Token).AsTask(), model.GetAsync(default).AsTask());
        begun.Wait();
        await leaving.CancelAsync();
        Assert.Equal(leaving.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first)).CancellationToken);
        go.Set();
        Assert.Same(await second.WaitAsync(Patience), model.Current);
    }

    [Fact]
    public async Task AFailedLoad_IsTold_AndTriedAgainByTheNextRequest()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Copy(Fixture);
        var config = Path.Combine(path, "config.json");
        var sound = File.ReadAllBytes(config);
        File.WriteAllText(config, "{");
        await using var model = new LazyModel(Options(path), null);
        var e = await Assert.ThrowsAsync<CheckpointException>(() => model.GetAsync(default).AsTask());
        Assert.Equal(VisionErrorKind.Unavailable, e.GetVisionErrorKind());
        Assert.Equal((EngineState.Faulted, e.Message), (model.GetStatus().State, model.GetStatus().Error));
        Assert.Null(model.Current);
        await Assert.ThrowsAsync<CheckpointException>(() => model.GetAsync(default).AsTask());
        File.WriteAllBytes(config, sound);
        Assert.Same(await model.GetAsync(default), model.Current);
        Assert.Equal(EngineState.Ready, model.GetStatus().State);
    }

    [Fact]
    public async Task FilesThatChangeDuringTheLoad_AreNotTakenForThoseThatWereLoaded()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Copy(Fixture);
        using var begun = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        await using var model = new LazyModel(Options(path), null, new Gate(begun, go));
        var before = model.Fingerprint;
        var loading = model.GetAsync(default).AsTask();
        begun.Wait();
        File.AppendAllText(Path.Combine(path, "config.json"), " ");
        go.Set();
        await loading.WaitAsync(Patience);
        var loaded = model.Fingerprint;
        await using var fresh = new LazyModel(Options(path), null);
        Assert.NotEqual(before, loaded);
        Assert.NotEqual(fresh.Fingerprint, loaded);
        Assert.Equal(loaded, model.Fingerprint);
    }

    [Fact]
    public async Task AnEngineWhoseThreadEnded_IsReplacedByTheNextRequest()
    {
        await using var model = new LazyModel(Options(Fixture), null);
        var first = (VisionLanguageEngine)await model.GetAsync(default);
        var expected = await Ask(first);
        first.BreakForTests(new InvalidOperationException("a defect"));
        // Whoever is being answered when the thread ends is told so.
        var e = await Assert.ThrowsAsync<EngineUnavailableException>(() => Ask(first));
        Assert.Contains("a defect", e.Message);
        while (first.GetStatus().State != EngineState.Faulted) await Task.Delay(5);
        Assert.Equal((EngineState.Faulted, "a defect"), (model.GetStatus().State, model.GetStatus().Error));
        // Callers that come at once share the new one.
        var engines = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => model.GetAsync(default).AsTask()));
        Assert.NotSame(first, engines[0]);
        Assert.All(engines, x => Assert.Same(engines[0], x));
        Assert.Equal(expected, await Ask((VisionLanguageEngine)engines[0]));
        Assert.Equal(EngineState.Ready, model.GetStatus().State);
    }

    private static VisionModelOptions Options(string path) => new() { ModelPath = path, Device = "cpu" };

    private static async Task<string> Ask(VisionLanguageEngine engine)
    {
        var request = new VisionRequest { Turns = [new ChatTurn("user", [new TextPart("Hello?")])],
            Generation = new GenerationSettings { MaxNewTokens = 3, Temperature = 0 } };
        await foreach (var e in engine.GenerateAsync(request))
            if (e is GenerationCompleted done) return done.Result.Text;
        throw new InvalidOperationException("The answer has no end.");
    }

    /// <summary>Holds the load at its first report.</summary>
    private sealed class Gate(ManualResetEventSlim begun, ManualResetEventSlim go) : IProgress<ModelLoadProgress>
    {
        public void Report(ModelLoadProgress value)
        {
            begun.Set();
            go.Wait();
        }
    }
}
