using System.Diagnostics.Metrics;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Engine;
using Microsoft.Extensions.Logging;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

public sealed class SchedulerTests
{
    private static Task<VisionLanguageEngine> Start(
        ScriptedExecutor executor, EngineLimits? limits = null, ILoggerFactory? logging = null) =>
        VisionLanguageEngine.StartAsync(_ => executor, limits ?? new EngineLimits(), logging, default);

    private static Task<List<GenerationEvent>> All(IVisionEngine engine, string text, CancellationToken cancellationToken = default) =>
        VisionLanguageEngineTests.All(engine, text, cancellationToken);

    private static Task WaitFor(Func<bool> condition) => VisionLanguageEngineTests.WaitFor(condition);

    [Fact]
    public async Task WaitingSequences_DecodeTogether()
    {
        var gate = new ManualResetEventSlim();
        var executor = new ScriptedExecutor { Tokens = 20, Started = r => { if (r.Turns[0].Text == "0") gate.Wait(); } };
        await using var engine = await Start(executor);
        var all = Enumerable.Range(0, 4).Select(i => All(engine, i.ToString())).ToArray();
        await WaitFor(() => engine.GetStatus().QueueLength == 3);
        gate.Set();
        foreach (var answer in await Task.WhenAll(all)) Assert.IsType<GenerationCompleted>(answer[^1]);
        Assert.Contains(4, executor.Batches);
    }

    [Theory]
    [InlineData(3, 1000, 3)]
    [InlineData(16, 250, 2)]
    public async Task NoMoreRunThanSequencesAndMemoryAllow(int sequences, long kvBytes, int most)
    {
        var gate = new ManualResetEventSlim();
        var executor = new ScriptedExecutor { Tokens = 20, MaxKvBytes = kvBytes, KvBytes = _ => 100,
            Started = r => { if (r.Turns[0].Text == "0") gate.Wait(); } };
        await using var engine = await Start(executor, new EngineLimits { MaxSequences = sequences });
        var all = Enumerable.Range(0, 12).Select(i => All(engine, i.ToString())).ToArray();
        await WaitFor(() => engine.GetStatus().QueueLength == 11);
        gate.Set();
        await Task.WhenAll(all);
        Assert.Equal(most, executor.Batches.Max());
        Assert.Equal((0, 0L), (engine.GetStatus().RunningSequences, engine.GetStatus().KvBytes));
    }

    [Fact]
    public async Task ALongPrompt_LetsRunningAnswersGoOnBetweenItsSlices()
    {
        var seen = new List<string>();
        var reading = new ManualResetEventSlim();
        var executor = new ScriptedExecutor { Slices = 10, Decoding = texts => { lock (seen) seen.AddRange(texts); },
            Started = r => { if (r.Turns[0].Text == "long") { reading.Set(); lock (seen) seen.Clear(); } } };
        await using var engine = await Start(executor, new EngineLimits { MaxDecodeStall = TimeSpan.Zero });
        using var cancel = new CancellationTokenSource();
        var running = All(engine, ScriptedExecutor.Endless, cancel.Token);
        await WaitFor(() => executor.Batches.Count > 0);
        await All(engine, "long");
        lock (seen) Assert.True(seen.TakeWhile(t => t != "long").Count() >= 10);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    /// <summary>On a GPU a slice is only launched: its time passes while it is awaited, and only where somebody waits for it.</summary>
    [Fact]
    public async Task ASliceIsAwaited_BeforeItsTimeIsMeasured()
    {
        var (alone, awaited, steps, reading) = (0, 0, 0, false); // the engine's thread alone changes them
        var executor = new ScriptedExecutor
        {
            Slices = 5,
            Started = r => { if (r.Turns[0].Text == "long") (alone, awaited, reading) = (awaited, 0, true); },
            Awaiting = () => { awaited++; Thread.Sleep(60); },
            Decoding = texts => { if (texts.Contains("long")) reading = false; else if (reading) steps++; },
        };
        await using var engine = await Start(executor, new EngineLimits { MaxDecodeStall = TimeSpan.FromMilliseconds(50) });
        using var cancel = new CancellationTokenSource();
        var running = All(engine, ScriptedExecutor.Endless, cancel.Token);
        await WaitFor(() => engine.GetStatus().RunningSequences == 1);
        await All(engine, "long");
        Assert.Equal((0, 5, 5), (alone, awaited, steps));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task OneSequencesFailureInABatch_EndsThatOneOnly()
    {
        var executor = new ScriptedExecutor { Tokens = 50,
            Decoding = texts => { if (texts.Contains("bad")) throw new InvalidDataException("scripted"); } };
        await using var engine = await Start(executor);
        var good = Enumerable.Range(0, 5).Select(i => All(engine, i.ToString())).ToArray();
        await Assert.ThrowsAsync<InvalidDataException>(() => All(engine, "bad"));
        foreach (var answer in await Task.WhenAll(good)) Assert.Equal(50, answer.OfType<TextDelta>().Count());
    }

    [Fact]
    public async Task ASequenceThatIsCancelledInABatch_LeavesTheOthers_AndItsTokenIsTheCallers()
    {
        await using var engine = await Start(new ScriptedExecutor { TokenTime = TimeSpan.FromMilliseconds(1) });
        using var cancel = new CancellationTokenSource();
        var endless = All(engine, ScriptedExecutor.Endless, cancel.Token);
        await WaitFor(() => engine.GetStatus().RunningSequences == 1);
        var other = All(engine, "other");
        await cancel.CancelAsync();
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => endless);
        Assert.Equal(cancel.Token, e.CancellationToken);
        Assert.IsType<GenerationCompleted>((await other)[^1]);
    }

    [Fact]
    public async Task CancelledWhileBeingPrepared_ItNeverReachesTheEngine()
    {
        var preparing = new ManualResetEventSlim();
        var executor = new ScriptedExecutor { Preparing = (_, ct) =>
            { preparing.Set(); ct.WaitHandle.WaitOne(); ct.ThrowIfCancellationRequested(); } };
        await using var engine = await Start(executor);
        using var cancel = new CancellationTokenSource();
        var request = Task.Run(() => All(engine, "a", cancel.Token));
        preparing.Wait();
        Assert.Equal(1, engine.GetStatus().QueueLength);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        Assert.Empty(executor.Order);
        Assert.Equal(0, engine.GetStatus().QueueLength);
    }

    /// <summary>A native decoder hears of no cancellation: its caller goes first, and a graceful end waits for it.</summary>
    [Fact]
    public async Task CancelledInAPreparationThatDoesNotListen_TheCallerGoesAtOnce()
    {
        using var preparing = new ManualResetEventSlim();
        using var ended = new ManualResetEventSlim();
        var executor = new ScriptedExecutor { Preparing = (r, _) =>
            { if (r.Turns[0].Text == "slow") { preparing.Set(); ended.Wait(); } } };
        await using var engine = await Start(executor);
        using var cancel = new CancellationTokenSource();
        var slow = new VisionRequest { Turns = [new ChatTurn("user", [new TextPart("slow"), new ImagePart(new byte[1])])] };
        var request = Task.Run(async () => { await foreach (var _ in engine.GenerateAsync(slow, cancel.Token)) { } });
        preparing.Wait();
        await cancel.CancelAsync();
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal(cancel.Token, e.CancellationToken);
        Assert.Equal(0, engine.GetStatus().QueueLength);
        Assert.IsType<GenerationCompleted>((await All(engine, "next"))[^1]);
        var stop = engine.StopAsync();
        Assert.False(stop.IsCompleted);
        ended.Set();
        await stop;
        Assert.Equal(["next"], executor.Order);
    }

    [Fact]
    public async Task AFullQueue_MayBeWaitedFor_UpToItsTime()
    {
        var gate = new ManualResetEventSlim();
        var executor = new ScriptedExecutor { Started = r => { if (r.Turns[0].Text == "running") gate.Wait(); } };
        await using var engine = await Start(
            executor, new EngineLimits { QueueCapacity = 1, QueueFullMode = QueueFullMode.Wait,
                QueueTimeout = TimeSpan.FromMilliseconds(50) });
        var running = All(engine, "running");
        await WaitFor(() => engine.GetStatus() is { IsBusy: true, QueueLength: 0 });
        var waiting = All(engine, "waiting");
        await WaitFor(() => engine.GetStatus().QueueLength == 1);
        await Assert.ThrowsAsync<EngineBusyException>(() => All(engine, "too long"));
        gate.Set();
        await Task.WhenAll(running, waiting);
        Assert.IsType<GenerationCompleted>((await All(engine, "after"))[^1]);
    }

    [Fact]
    public async Task APlaceThatBecomesFree_GoesToWhoWaitedLongest()
    {
        var line = new WaitingLine(new EngineLimits { QueueCapacity = 1, QueueFullMode = QueueFullMode.Wait });
        await line.EnterAsync(default);
        using var cancel = new CancellationTokenSource();
        var (first, second, third) =
            (line.EnterAsync(default).AsTask(), line.EnterAsync(cancel.Token).AsTask(), line.EnterAsync(default).AsTask());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.False(first.IsCompleted);
        line.Leave();
        await first;
        Assert.False(third.IsCompleted);
        line.Leave();
        await third;
        line.Leave();
        Assert.Equal(0, line.Taken);
    }

    [Fact]
    public async Task AClosedLine_TakesNobody_AndTellsWhoWaits()
    {
        var line = new WaitingLine(
            new EngineLimits { QueueCapacity = 1, QueueFullMode = QueueFullMode.Wait, QueueTimeout = TimeSpan.FromMinutes(10) });
        await line.EnterAsync(default);
        var outside = line.EnterAsync(default).AsTask();
        line.Close(new ObjectDisposedException("engine"), 1);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => outside.WaitAsync(TimeSpan.FromMinutes(1)));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => line.EnterAsync(default).AsTask());
        Assert.Equal(0, line.Taken);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhoWaitsOutsideAFullLine_HearsThatTheEngineEnded(bool breaks)
    {
        await using var engine = await Start(new ScriptedExecutor { TokenTime = TimeSpan.FromMilliseconds(1) }, new EngineLimits
        {
            MaxSequences = 1, QueueCapacity = 1, QueueFullMode = QueueFullMode.Wait, QueueTimeout = TimeSpan.FromMinutes(10),
        });
        var running = All(engine, ScriptedExecutor.Endless);
        await WaitFor(() => engine.GetStatus() is { IsBusy: true, QueueLength: 0 });
        var waiting = All(engine, "waiting");
        await WaitFor(() => engine.GetStatus().QueueLength == 1);
        var outside = All(engine, "outside");
        if (breaks) engine.BreakForTests(new InvalidOperationException("scripted end"));
        else await engine.DisposeAsync();
        foreach (var caller in new[] { running, waiting, outside })
        {
            var e = await Assert.ThrowsAnyAsync<Exception>(() => caller.WaitAsync(TimeSpan.FromMinutes(1)));
            Assert.IsType(breaks ? typeof(EngineUnavailableException) : typeof(ObjectDisposedException), e);
        }

        await WaitFor(() => engine.GetStatus().State == (breaks ? EngineState.Faulted : EngineState.Disposed));
        Assert.Equal(0, engine.GetStatus().QueueLength);
    }

    [Fact]
    public async Task EveryRequest_IsCountedOnce_AlsoWhereItNeverRan()
    {
        var (id, outcomes) = (Guid.NewGuid().ToString(), new List<string>());
        using var meters = new MeterListener { InstrumentPublished = (i, l) =>
            { if (i.Name == "d2pruner.requests") l.EnableMeasurementEvents(i); } };
        meters.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            var named = tags.ToArray().ToDictionary(t => t.Key, t => t.Value as string);
            if (named["d2pruner.model"] != id) return;
            lock (outcomes) outcomes.Add(named["d2pruner.outcome"] ?? "");
        });
        meters.Start();
        var gate = new ManualResetEventSlim();
        var executor = new ScriptedExecutor(id)
        {
            Preparing = (r, _) => { if (r.Turns[0].Text == "bad") throw new InvalidDataException("scripted"); },
            Started = _ => gate.Wait(TimeSpan.FromMinutes(1)),
        };
        await using var engine = await Start(executor, new EngineLimits { QueueCapacity = 1 });
        var running = All(engine, "running");
        await WaitFor(() => engine.GetStatus() is { IsBusy: true, QueueLength: 0 });
        using var cancel = new CancellationTokenSource();
        var waiting = All(engine, "waiting", cancel.Token);
        await WaitFor(() => engine.GetStatus().QueueLength == 1);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAsync<InvalidDataException>(() => All(engine, "bad"));
        var last = All(engine, "last");
        await WaitFor(() => engine.GetStatus().QueueLength == 1);
        await Assert.ThrowsAsync<EngineBusyException>(() => All(engine, "too many"));
        string[] before = ["cancelled", "failed", "rejected"];
        lock (outcomes) Assert.Equal(before, outcomes);

        var ended = engine.DisposeAsync().AsTask();
        gate.Set();
        await ended;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => last);
        string[] all = [.. before, "cancelled", "cancelled"];
        lock (outcomes) Assert.Equal(all, outcomes);
    }

    [Fact]
    public async Task TheStatus_IsMeasured_WhileTheEngineLives()
    {
        var (id, seen) = (Guid.NewGuid().ToString(), new Dictionary<string, long>());
        using var meters = new MeterListener { InstrumentPublished = (i, l) =>
            { if (i.Meter.Name == "D2Pruner.AI" && i.IsObservable) l.EnableMeasurementEvents(i); } };
        meters.SetMeasurementEventCallback<long>((i, value, tags, _) =>
        {
            if (tags.ToArray().Any(t => t.Key == "d2pruner.model" && t.Value as string == id)) seen[i.Name] = value;
        });
        meters.Start();
        using var gate = new ManualResetEventSlim();
        var executor = new ScriptedExecutor(id) { VisionCacheBytes = 46, KvBytes = _ => 7,
            Started = _ => gate.Wait(TimeSpan.FromMinutes(1)) };
        await using var engine = await Start(executor);
        var running = All(engine, "running");
        await WaitFor(() => engine.GetStatus() is { IsBusy: true, QueueLength: 0 });
        var waiting = All(engine, "waiting");
        await WaitFor(() => engine.GetStatus().QueueLength == 1);
        meters.RecordObservableInstruments();
        var s = engine.GetStatus();
        Assert.Equal((1, 1, 7L), (s.QueueLength, s.RunningSequences, s.KvBytes));
        Assert.Equal(new SortedDictionary<string, long>(StringComparer.Ordinal)
        {
            ["d2pruner.queue.length"] = s.QueueLength,
            ["d2pruner.sequences.running"] = s.RunningSequences,
            ["d2pruner.weights.size"] = s.WeightBytes,
            ["d2pruner.kv_cache.usage"] = s.KvBytes,
            ["d2pruner.kv_cache.limit"] = s.MaxKvBytes,
            ["d2pruner.vision_cache.size"] = s.VisionCacheBytes,
            ["d2pruner.prefix_cache.size"] = s.PrefixCacheBytes,
            ["d2pruner.prefix_cache.queries"] = s.PrefixCacheQueries,
            ["d2pruner.prefix_cache.hits"] = s.PrefixCacheHits,
        }, new SortedDictionary<string, long>(seen, StringComparer.Ordinal));

        gate.Set();
        await Task.WhenAll(running, waiting);
        await engine.DisposeAsync();
        seen.Clear();
        meters.RecordObservableInstruments();
        Assert.Empty(seen);
    }

    [Fact]
    public async Task ListenersThatThrow_EndNothing()
    {
        using var meters = new MeterListener { InstrumentPublished = (i, l) =>
            { if (i.Meter.Name == "D2Pruner.AI") l.EnableMeasurementEvents(i); } };
        meters.SetMeasurementEventCallback<double>((_, _, _, _) => throw new InvalidOperationException("meter"));
        meters.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidOperationException("meter"));
        meters.Start();
        await using var engine = await Start(new ScriptedExecutor(), null, new Throwing());
        await Assert.ThrowsAsync<InvalidDataException>(() => All(engine, "fail"));
        Assert.IsType<GenerationCompleted>((await All(engine, "next"))[^1]);
        Assert.Equal(EngineState.Ready, engine.GetStatus().State);
    }

    [Fact]
    public async Task AThreadThatEnds_TellsEveryCaller_AndStatusSaysWhy()
    {
        var executor = new ScriptedExecutor { KvBytes = t => t == "poison" ? throw new InvalidOperationException("prepare")
            : 1, TokenTime = TimeSpan.FromMilliseconds(1) };
        var engine = await Start(executor);
        var endless = All(engine, ScriptedExecutor.Endless);
        await WaitFor(() => engine.GetStatus().RunningSequences == 1);
        engine.BreakForTests(new InvalidOperationException("scripted end"));
        var e = await Assert.ThrowsAsync<EngineUnavailableException>(() => endless);
        Assert.Contains("scripted end", e.Message);
        await WaitFor(() => engine.GetStatus().State == EngineState.Faulted);
        Assert.Contains("scripted end", engine.GetStatus().Error);
        await Assert.ThrowsAsync<EngineUnavailableException>(() => All(engine, "late"));
        Assert.True(executor.Disposed);
        await engine.DisposeAsync();
    }

    private sealed class Throwing : ILoggerFactory, ILogger
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => throw new InvalidOperationException("logger");

        public void Dispose()
        {
        }
    }
}
