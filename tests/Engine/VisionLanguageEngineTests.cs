using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Engine;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

public sealed class VisionLanguageEngineTests
{
    [Fact]
    public async Task Generate_StreamsTextThenCompletes()
    {
        await using var engine = await Start(new ScriptedExecutor());
        var events = await All(engine, "a");
        Assert.IsType<PrefillCompleted>(events[0]);
        Assert.Equal("a0 a1 a2 ", string.Concat(events.OfType<TextDelta>().Select(t => t.Text)));
        Assert.IsType<GenerationCompleted>(events[^1]);
    }

    [Fact]
    public async Task Requests_AreAnsweredInOrder()
    {
        var gate = new ManualResetEventSlim();
        var runner = new ScriptedExecutor { Started = r => { if (r.Turns[0].Text == "0") gate.Wait(); } };
        await using var engine = await Start(runner);
        var first = All(engine, "0");
        await WaitFor(() => engine.GetStatus().IsBusy);
        var rest = new List<Task>();
        for (var i = 1; i < 6; i++)
        {
            rest.Add(All(engine, i.ToString()));
            await WaitFor(() => engine.GetStatus().QueueLength == i);
        }

        gate.Set();
        await Task.WhenAll(rest.Append(first));
        Assert.Equal(["0", "1", "2", "3", "4", "5"], runner.Order);
    }

    [Fact]
    public async Task FullQueue_RefusesAndSaysItsCapacity()
    {
        var gate = new ManualResetEventSlim();
        await using var engine = await Start(new ScriptedExecutor { Started = _ => gate.Wait() }, capacity: 1);
        var running = All(engine, "running");
        await WaitFor(() => engine.GetStatus().IsBusy);
        var waiting = All(engine, "waiting");
        await WaitFor(() => engine.GetStatus().QueueLength == 1);
        var e = await Assert.ThrowsAsync<EngineBusyException>(() => All(engine, "refused"));
        Assert.Equal(1, e.Capacity);
        gate.Set();
        await Task.WhenAll(running, waiting);
    }

    [Fact]
    public async Task CancelWhileQueued_LeavesAtOnce()
    {
        var gate = new ManualResetEventSlim();
        await using var engine = await Start(new ScriptedExecutor { Started = _ => gate.Wait() });
        var running = All(engine, "running");
        await WaitFor(() => engine.GetStatus().IsBusy);
        using var cancel = new CancellationTokenSource();
        var waiting = All(engine, "waiting", cancel.Token);
        await WaitFor(() => engine.GetStatus().QueueLength == 1);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(0, engine.GetStatus().QueueLength);
        gate.Set();
        await running;
    }

    [Fact]
    public async Task LeavingTheLoop_CancelsTheRequest()
    {
        var runner = new ScriptedExecutor { Tokens = 1_000_000, TokenTime = TimeSpan.FromMilliseconds(5) };
        await using var engine = await Start(runner);
        await foreach (var e in engine.GenerateAsync(ScriptedExecutor.Request("long")))
        {
            if (e is TextDelta) break;
        }

        await WaitFor(() => !engine.GetStatus().IsBusy);
    }

    [Fact]
    public async Task Failure_BelongsToItsCallerAlone()
    {
        await using var engine = await Start(new ScriptedExecutor());
        await Assert.ThrowsAsync<InvalidDataException>(() => All(engine, "fail"));
        Assert.NotEmpty(await All(engine, "next"));
    }

    [Fact]
    public async Task ThirtyTwoRequests_CancelledAtRandomPoints_LeaveItWorking()
    {
        await using var engine = await Start(new ScriptedExecutor { Tokens = 5, TokenTime = TimeSpan.FromMilliseconds(1) });
        var random = new Random(7);
        // Every other request never ends by itself. It is cancelled when it has seen some events,
        // or, with none wanted, wherever it then is:
        // in the queue or running. How long anything takes decides nothing.
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? Finish(i) : Cancel(i, random.Next(0, 6))));
        for (var i = 0; i < outcomes.Length; i++) Assert.Equal(i % 2 == 0, outcomes[i]);
        Assert.IsType<GenerationCompleted>((await All(engine, "after"))[^1]);
        Assert.Equal(0, engine.GetStatus().QueueLength);

        async Task<bool> Finish(int i) => (await All(engine, i.ToString()))[^1] is GenerationCompleted;

        async Task<bool> Cancel(int i, int events)
        {
            using var cancel = new CancellationTokenSource();
            if (events == 0) cancel.CancelAfter(i);
            try
            {
                var seen = 0;
                await foreach (var _ in engine.GenerateAsync(ScriptedExecutor.Request($"{ScriptedExecutor.Endless} {i}"), cancel.Token))
                {
                    if (++seen == events) await cancel.CancelAsync();
                }

                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task Dispose_CancelsQueueAndRunner_AndIsIdempotent()
    {
        // Two requests' memory is more than there is: the second one waits.
        var runner = new ScriptedExecutor
            { Tokens = 1_000_000, TokenTime = TimeSpan.FromMilliseconds(5), MaxKvBytes = 1000, KvBytes = _ => 600 };
        var engine = await Start(runner);
        var running = All(engine, "running");
        await WaitFor(() => engine.GetStatus().IsBusy);
        var waiting = All(engine, "waiting");
        await WaitFor(() => engine.GetStatus().QueueLength == 1);
        await engine.DisposeAsync();
        engine.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        Assert.True(runner.Disposed);
        Assert.Equal(EngineState.Disposed, engine.GetStatus().State);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => All(engine, "late"));
    }

    [Fact]
    public async Task BadArguments_AreRefusedByTheCallItself()
    {
        await using var engine = await Start(new ScriptedExecutor());
        Assert.Throws<ArgumentNullException>(() => engine.GenerateAsync(null!));
        Assert.Throws<ArgumentException>(() => engine.GenerateAsync(new VisionRequest { Turns = [] }));
    }

    [Fact]
    public async Task FailedLoad_Throws_AndCancelledLoadIsCancelled()
    {
        await Assert.ThrowsAsync<InvalidDataException>(
            () => VisionLanguageEngine.StartAsync(_ => throw new InvalidDataException(), new EngineLimits(), null, default));
        using var cancel = new CancellationTokenSource();
        var load = VisionLanguageEngine.StartAsync(
            ct => { ct.WaitHandle.WaitOne(); ct.ThrowIfCancellationRequested(); return new ScriptedExecutor(); }, new EngineLimits(),
            null, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
    }

    [Theory]
    [InlineData(null, "cpu", 1)]
    [InlineData("", "cpu", 1)]
    [InlineData("model", "tpu", 1)]
    [InlineData("model", "cuda:x", 1)]
    [InlineData("model", "cpu", 0)]
    public async Task Load_RefusesImpossibleOptions(string? path, string device, int capacity)
    {
        await Assert.ThrowsAsync<ArgumentException>(
            () => VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = path, Device = device, QueueCapacity = capacity }));
    }

    internal static Task<VisionLanguageEngine> Start(ScriptedExecutor runner, int capacity = 64) =>
        VisionLanguageEngine.StartAsync(_ => runner, new EngineLimits { QueueCapacity = capacity }, null, default);

    internal static async Task<List<GenerationEvent>> All(IVisionEngine engine, string text, CancellationToken cancellationToken = default)
    {
        var events = new List<GenerationEvent>();
        await foreach (var e in engine.GenerateAsync(ScriptedExecutor.Request(text), cancellationToken)) events.Add(e);
        return events;
    }

    internal static async Task WaitFor(Func<bool> condition)
    {
        for (var i = 0; i < 12_000 && !condition(); i++) await Task.Delay(5);
        Assert.True(condition());
    }
}
