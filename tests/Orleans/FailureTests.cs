using D2Pruner.AI.Orleans;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>What callers see when workers fail.</summary>
public sealed class FailureTests
{
    [Fact]
    public async Task AWorkerLostBeforeItsAnswer_IsReplaced_Unseen()
    {
        await using var workers = await TestWorkers.StartAsync(3, _ => new EchoEngine { Hold = new TaskCompletionSource() });
        var asking = workers.Client.GetResponseAsync([TestWorkers.Ask(1, "question")]);
        var first = await BusyAsync(workers);
        foreach (var engine in workers.Engines) if (engine != TestWorkers.EngineOf(first)) engine.Hold = null;
        await workers.Cluster.KillSiloAsync(first);
        Assert.Equal(EchoEngine.Answer("a", TestWorkers.Image(1), "question"), (await asking).Text);
        Assert.Equal(1, workers.Engines.Sum(e => e.Requests.Count));
    }

    [Fact]
    public async Task AWorkerLostInTheMiddleOfItsAnswer_IsToldOf_NeverReplaced()
    {
        await using var workers = await TestWorkers.StartAsync(
            3, _ => new EchoEngine { Hold = new TaskCompletionSource(), HoldAt = 2 });
        List<string> seen = [];
        var stream = workers.Client.GetStreamingResponseAsync([TestWorkers.Ask(1, "question")]).GetAsyncEnumerator();
        await using var disposing = stream;
        while (seen.Count < 2 && await stream.MoveNextAsync()) seen.Add(stream.Current.Text);
        var silo = await BusyAsync(workers);
        var address = silo.SiloAddress.ToParsableString();
        await workers.Cluster.KillSiloAsync(silo);
        var lost = await Assert.ThrowsAsync<WorkerLostException>(() => ReadAsync(stream, seen));
        Assert.True(lost.AnswerStarted);
        Assert.Equal(address, lost.Worker);
        Assert.Equal(VisionErrorKind.Unavailable, lost.GetVisionErrorKind());
        Assert.StartsWith(string.Concat(seen), EchoEngine.Answer("a", TestWorkers.Image(1), "question"), StringComparison.Ordinal);
        Assert.Equal(0, workers.Engines.Sum(e => e.Requests.Count));
    }

    [Fact]
    public async Task ASecondLoss_IsToldOf()
    {
        await using var workers = await TestWorkers.StartAsync(3, _ => new EchoEngine { Hold = new TaskCompletionSource() });
        var asking = workers.Client.GetResponseAsync([TestWorkers.Ask(1, "question")]);
        await workers.Cluster.KillSiloAsync(await BusyAsync(workers));
        await workers.Cluster.KillSiloAsync(await BusyAsync(workers));
        var lost = await Assert.ThrowsAsync<WorkerLostException>(() => asking);
        Assert.False(lost.AnswerStarted);
        Assert.Equal(0, workers.Engines.Sum(e => e.Requests.Count));
    }

    [Fact]
    public async Task AStoppingWorker_FinishesWhatRuns_TakesNothingNew_AndItsImagesMove()
    {
        await using var workers = await TestWorkers.StartAsync(2, _ => new EchoEngine { Hold = new TaskCompletionSource(), HoldAt = 1 });
        var running = workers.Client.GetResponseAsync([TestWorkers.Ask(1, "question")]);
        var stopping = await BusyAsync(workers);
        var engine = TestWorkers.EngineOf(stopping);
        var other = workers.Engines.Single(e => e != engine);
        other.Hold = null;
        var stop = workers.Cluster.StopSiloAsync(stopping);
        await TestWorkers.UntilAsync(
            () => !workers.Cluster.Silos.Any(s => TestWorkers.EngineOf(s) == engine)
                || stopping.ServiceProvider.GetService(typeof(D2Pruner.AI.Orleans.Workers.Worker))
                    is D2Pruner.AI.Orleans.Workers.Worker worker && worker.Report().Draining, "the worker drains");
        var moved = await workers.Client.GetResponseAsync([TestWorkers.Ask(1, "another question")]);
        Assert.Equal(EchoEngine.Answer("a", TestWorkers.Image(1), "another question"), moved.Text);
        Assert.Single(engine.Requests);
        Assert.False(running.IsCompleted);
        engine.Hold!.SetResult();
        Assert.Equal(EchoEngine.Answer("a", TestWorkers.Image(1), "question"), (await running).Text);
        await stop;
    }

    [Fact]
    public async Task AnAnswerThatDoesNotEndInTime_IsCutOff_AndToldOf()
    {
        await using var workers = await TestWorkers.StartAsync(
            2, _ => new EchoEngine { Hold = new TaskCompletionSource(), HoldAt = 2 },
            worker: o => o.DrainTimeout = TimeSpan.FromMilliseconds(100));
        List<string> seen = [];
        var stream = workers.Client.GetStreamingResponseAsync([TestWorkers.Ask(1, "question")]).GetAsyncEnumerator();
        await using var disposing = stream;
        while (seen.Count < 2 && await stream.MoveNextAsync()) seen.Add(stream.Current.Text);
        await workers.Cluster.StopSiloAsync(await BusyAsync(workers));
        var cut = await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(stream, seen));
        Assert.Equal(VisionErrorKind.Unavailable, cut.GetVisionErrorKind());
    }

    [Fact]
    public async Task AFullCluster_RefusesWithItsNumbers()
    {
        await using var workers = await TestWorkers.StartAsync(
            2, _ => new EchoEngine(maxSequences: 1, queueCapacity: 1) { Hold = new TaskCompletionSource() });
        var running = Enumerable.Range(0, 4).Select(i => workers.Client.GetResponseAsync([TestWorkers.Ask(i, "question")])).ToList();
        await TestWorkers.UntilAsync(() => workers.Engines.Sum(e => e.Requests.Count) == 4, "every place is taken");
        var busy = await Assert.ThrowsAsync<EngineBusyException>(() => workers.Client.GetResponseAsync([TestWorkers.Ask(9, "question")]));
        Assert.Equal(4, busy.Capacity);
        Assert.Contains("All 2 worker(s)", busy.Message, StringComparison.Ordinal);
        Assert.Equal(VisionErrorKind.Busy, busy.GetVisionErrorKind());
        Release(workers);
        await Task.WhenAll(running);
    }

    [Fact]
    public async Task AFullCluster_IsWaitedFor_WhereThatIsAsked()
    {
        await using var workers = await TestWorkers.StartAsync(
            2, _ => new EchoEngine(maxSequences: 1, queueCapacity: 1) { Hold = new TaskCompletionSource() },
            o => o.QueueFullMode = QueueFullMode.Wait);
        var all = Enumerable.Range(0, 8).Select(i => workers.Client.GetResponseAsync([TestWorkers.Ask(i, "question")])).ToList();
        await TestWorkers.UntilAsync(() => workers.Engines.Sum(e => e.Requests.Count) == 4, "every place is taken");
        Release(workers);
        Assert.All((await Task.WhenAll(all)).Select((r, i) => (r.Text, i)), a => Assert.Equal(
            EchoEngine.Answer("a", TestWorkers.Image(a.i), "question"), a.Text));
    }

    [Fact]
    public async Task WaitingForAFullCluster_EndsInTime()
    {
        await using var workers = await TestWorkers.StartAsync(
            1, _ => new EchoEngine(maxSequences: 1, queueCapacity: 1) { Hold = new TaskCompletionSource() },
            o => (o.QueueFullMode, o.QueueTimeout) = (QueueFullMode.Wait, TimeSpan.FromMilliseconds(300)));
        var running = Enumerable.Range(0, 2).Select(i => workers.Client.GetResponseAsync([TestWorkers.Ask(i, "question")])).ToList();
        await TestWorkers.UntilAsync(() => workers.Engines.Sum(e => e.Requests.Count) == 2, "every place is taken");
        var busy = await Assert.ThrowsAsync<EngineBusyException>(() => workers.Client.GetResponseAsync([TestWorkers.Ask(9, "question")]));
        Assert.Contains("became free", busy.Message, StringComparison.Ordinal);
        Release(workers);
        await Task.WhenAll(running);
    }

    [Fact]
    public async Task WithoutAWorker_TheErrorSaysWhatIsServed()
    {
        await using var workers = await TestWorkers.StartAsync(
            1, _ => new EchoEngine(), o => o.FailoverTimeout = TimeSpan.FromMilliseconds(200));
        var services = workers.Cluster.Client.ServiceProvider;
        using var other = new D2PrunerChatClient(
            new D2Pruner.AI.Orleans.Client.ClusterModel(
                "other", null, workers.Cluster.Client, Service<D2Pruner.AI.Orleans.Client.ClusterView>(),
                Service<Microsoft.Extensions.Options.IOptions<D2PrunerClusterOptions>>(), TimeProvider.System),
            null, null, null, null);
        var none = await Assert.ThrowsAsync<EngineUnavailableException>(() => other.GetResponseAsync("hello"));
        Assert.Contains("'other'", none.Message, StringComparison.Ordinal);
        Assert.Contains("'vision'", none.Message, StringComparison.Ordinal);
        T Service<T>() => (T)services.GetService(typeof(T))!;
    }

    [Fact]
    public async Task CancellingAndLeaving_ReachTheWorker()
    {
        await using var workers = await TestWorkers.StartAsync(1, _ => new EchoEngine { Hold = new TaskCompletionSource(), HoldAt = 1 });
        var engine = workers.Engines[0];
        using var cancel = new CancellationTokenSource();
        var asking = workers.Client.GetResponseAsync([TestWorkers.Ask(1, "question")], cancellationToken: cancel.Token);
        await TestWorkers.UntilAsync(() => engine.Pulled == 1, "the answer begins");
        await cancel.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        await TestWorkers.UntilAsync(() => engine.Cancelled == 1, "the engine hears of it");
        await foreach (var _ in workers.Client.GetStreamingResponseAsync([TestWorkers.Ask(1, "question")])) break;
        await TestWorkers.UntilAsync(() => engine.Cancelled == 2, "the engine hears that nobody reads any more");
        Assert.Equal(0, engine.GetStatus().RunningSequences);
    }

    [Fact]
    public async Task ASlowReader_HoldsTheWorkerBack()
    {
        await using var workers = await TestWorkers.StartAsync(1, _ => new EchoEngine { Filler = 2000 });
        var engine = workers.Engines[0];
        var read = 0;
        await foreach (var update in workers.Client.GetStreamingResponseAsync([TestWorkers.Ask(1, "question")]))
        {
            if (++read % 50 == 0 && read < 600)
            {
                await Task.Delay(20);
                // What is on its way is one batch of Orleans', and what was begun behind it.
                Assert.InRange(engine.Pulled, read - 2, read + 210);
            }
        }

        Assert.True(read > 2000);
    }

    private static async Task<global::Orleans.TestingHost.InProcessSiloHandle> BusyAsync(TestWorkers workers)
    {
        await TestWorkers.UntilAsync(() => workers.Engines.Any(e => e.Requests.Count > 0), "a worker gets the request");
        return workers.Cluster.Silos.Single(s => TestWorkers.EngineOf(s).Requests.Count > 0);
    }

    private static async Task ReadAsync(IAsyncEnumerator<ChatResponseUpdate> stream, List<string> seen)
    {
        while (await stream.MoveNextAsync()) seen.Add(stream.Current.Text);
    }

    private static void Release(TestWorkers workers)
    {
        foreach (var engine in workers.Engines) engine.Hold!.TrySetResult();
    }
}
