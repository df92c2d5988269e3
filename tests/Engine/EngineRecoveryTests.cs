using System.Diagnostics;
using System.Diagnostics.Metrics;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Engine;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

public sealed class EngineRecoveryTests
{
    [Fact]
    public async Task OutOfMemory_IsTriedOnceMoreWithoutTheCache()
    {
        var tries = 0;
        var runner = new ScriptedExecutor { VisionCacheBytes = 7,
            Started = _ => { if (++tries == 1) throw new InvalidOperationException("CUDA out of memory. Tried to allocate 2 GiB"); } };
        await using var engine = await VisionLanguageEngineTests.Start(runner);
        Assert.IsType<GenerationCompleted>((await VisionLanguageEngineTests.All(engine, "a"))[^1]);
        Assert.Equal((2, 1), (tries, runner.Trims));
    }

    [Fact]
    public async Task OutOfMemory_WithNothingToFree_IsTyped_AndTheNextRequestWorks()
    {
        var runner = new ScriptedExecutor { Started = r =>
            { if (r.Turns[0].Text == "big") throw new InvalidOperationException(
                "DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes."); } };
        await using var engine = await VisionLanguageEngineTests.Start(runner);
        var e = await Assert.ThrowsAsync<EngineOutOfMemoryException>(() => VisionLanguageEngineTests.All(engine, "big"));
        Assert.NotNull(e.InnerException);
        Assert.IsType<GenerationCompleted>((await VisionLanguageEngineTests.All(engine, "small"))[^1]);
    }

    [Theory]
    [InlineData("CUDA error: out of memory", true)]
    [InlineData("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", true)]
    [InlineData("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", true)]
    [InlineData("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", true)]
    [InlineData("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", true)]
    [InlineData("CUDA error: device-side assert triggered", false)]
    [InlineData("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx(...)`", false)]
    public void OutOfMemory_IsKnownByItsWords(string message, bool outOfMemory) =>
        Assert.Equal(outOfMemory, EngineOutOfMemoryException.Is(new InvalidOperationException(message)));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnErrorOfTheGpu_EndsTheEngine_AndEveryCallerHearsWhy(bool reading)
    {
        static void Fail() => throw new InvalidOperationException("CUDA error: an illegal memory access was encountered\nat a kernel");
        var executor = new ScriptedExecutor
        {
            TokenTime = TimeSpan.FromMilliseconds(1),
            Started = r => { if (reading && r.Turns[0].Text == "bad") Fail(); },
            Decoding = texts => { if (texts.Contains("bad")) Fail(); },
        };
        await using var engine = await VisionLanguageEngineTests.Start(executor);
        var running = VisionLanguageEngineTests.All(engine, ScriptedExecutor.Endless);
        await VisionLanguageEngineTests.WaitFor(() => engine.GetStatus().IsBusy);
        foreach (var caller in new[] { VisionLanguageEngineTests.All(engine, "bad"), running })
        {
            var e = await Assert.ThrowsAsync<EngineUnavailableException>(() => caller);
            Assert.Contains("an illegal memory access was encountered. The process", e.Message);
            Assert.DoesNotContain("kernel", e.Message);
        }

        await VisionLanguageEngineTests.WaitFor(() => engine.GetStatus().State == EngineState.Faulted);
        Assert.Contains("illegal memory access", engine.GetStatus().Error);
        await Assert.ThrowsAsync<EngineUnavailableException>(() => VisionLanguageEngineTests.All(engine, "late"));
    }

    [Fact]
    public async Task Stop_AnswersWhatWaits_AndTakesNothingNew()
    {
        var gate = new ManualResetEventSlim();
        var runner = new ScriptedExecutor { Started = _ => gate.Wait() };
        await using var engine = await VisionLanguageEngineTests.Start(runner);
        var (running, waiting) = (VisionLanguageEngineTests.All(engine, "a"), VisionLanguageEngineTests.All(engine, "b"));
        while (engine.GetStatus() is not { IsBusy: true, QueueLength: 1 }) await Task.Delay(5);
        var stop = engine.StopAsync();
        Assert.Equal(EngineState.Stopping, engine.GetStatus().State);
        await Assert.ThrowsAsync<EngineUnavailableException>(() => VisionLanguageEngineTests.All(engine, "late"));
        gate.Set();
        await stop;
        Assert.IsType<GenerationCompleted>((await running)[^1]);
        Assert.IsType<GenerationCompleted>((await waiting)[^1]);
        Assert.True(runner.Disposed);
        Assert.Equal(EngineState.Disposed, engine.GetStatus().State);
    }

    [Fact]
    public async Task Stop_EndsItsPatienceWithTheToken()
    {
        await using var engine = await VisionLanguageEngineTests.Start(new ScriptedExecutor { TokenTime = TimeSpan.FromMilliseconds(5) });
        var endless = VisionLanguageEngineTests.All(engine, ScriptedExecutor.Endless);
        while (!engine.GetStatus().IsBusy) await Task.Delay(5);
        using var patience = new CancellationTokenSource(50);
        await engine.StopAsync(patience.Token);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => endless);
    }

    [Fact]
    public async Task ChangedWeights_EndTheEngine_AndEveryCallerHearsWhy()
    {
        var executor = new ScriptedExecutor { TokenTime = TimeSpan.FromMilliseconds(1), Preparing = (r, _) =>
            { if (r.Turns[0].Text == "changed") throw new WeightsChangedException("w", "it had 2 bytes and has 1"); } };
        await using var engine = await VisionLanguageEngineTests.Start(executor);
        var running = VisionLanguageEngineTests.All(engine, ScriptedExecutor.Endless);
        await VisionLanguageEngineTests.WaitFor(() => engine.GetStatus().IsBusy);
        await Assert.ThrowsAsync<WeightsChangedException>(() => VisionLanguageEngineTests.All(engine, "changed"));
        // Whoever loads the model again now finds the memory free.
        Assert.True(executor.Disposed);
        Assert.Equal(EngineState.Faulted, engine.GetStatus().State);
        Assert.Contains("has 1", engine.GetStatus().Error);
        foreach (var other in new[] { running, VisionLanguageEngineTests.All(engine, "late") })
            Assert.Contains("has 1", (await Assert.ThrowsAsync<EngineUnavailableException>(() => other)).Message);
    }

    [Fact]
    public async Task ChangedWeights_EndAnEngineThatReadsAPrompt_AtItsNextSlice()
    {
        using var gate = new ManualResetEventSlim();
        var executor = new ScriptedExecutor { Slices = 2, Started = _ => gate.Wait(), Preparing = (r, _) =>
            { if (r.Turns[0].Text == "changed") throw new WeightsChangedException("w", "it had 2 bytes and has 1"); } };
        await using var engine = await VisionLanguageEngineTests.Start(executor);
        var reading = VisionLanguageEngineTests.All(engine, ScriptedExecutor.Endless);
        await VisionLanguageEngineTests.WaitFor(() => engine.GetStatus().IsBusy);
        var changed = VisionLanguageEngineTests.All(engine, "changed");
        gate.Set();
        await Assert.ThrowsAsync<WeightsChangedException>(() => changed);
        await Assert.ThrowsAsync<EngineUnavailableException>(() => reading);
    }

    [Fact]
    public async Task SpansAndMeasurements_TellEveryStage()
    {
        var spans = new List<Activity>();
        var stages = new List<string?>();
        var outcomes = new List<string?>();
        var id = Guid.NewGuid().ToString();
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name == "D2Pruner.AI",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = a => { lock (spans) spans.Add(a); },
        };
        ActivitySource.AddActivityListener(listener);
        using var meters = new MeterListener { InstrumentPublished = (i, l) =>
            { if (i.Meter.Name == "D2Pruner.AI") l.EnableMeasurementEvents(i); } };
        meters.SetMeasurementEventCallback<double>(
            (i, _, tags, _) => { foreach (var t in tags) if (t.Key == "d2pruner.stage") lock (stages) stages.Add(t.Value as string); });
        meters.SetMeasurementEventCallback<long>(
            (i, _, tags, _) => { foreach (var t in tags) if (t.Key == "d2pruner.outcome") lock (outcomes) outcomes.Add(
                t.Value as string); });
        meters.Start();
        using var parent = new Activity("chat").Start();
        await using (var engine = await VisionLanguageEngineTests.Start(new ScriptedExecutor()))
        {
            await VisionLanguageEngineTests.All(engine, id);
            meters.RecordObservableInstruments();
        }

        lock (spans)
        {
            var mine = spans.Where(a => a.TraceId == parent.TraceId).ToList();
            Assert.Equal(["d2pruner.decode", "d2pruner.prefill", "d2pruner.preprocess", "d2pruner.queue", "d2pruner.vision"],
                mine.Select(a => a.OperationName).Order(StringComparer.Ordinal));
            Assert.All(mine, a => Assert.Equal("scripted", a.GetTagItem("d2pruner.model")));
        }

        lock (stages) foreach (var stage in new[] { "queue", "preprocess", "vision", "prefill", "decode" }) Assert.Contains(stage, stages);
        lock (outcomes) Assert.Contains("ok", outcomes);
    }
}
