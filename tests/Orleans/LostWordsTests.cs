using D2Pruner.AI.Orleans;
using D2Pruner.AI.Orleans.Workers;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Orleans.Hosting;
using Orleans.Runtime;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>A worker has spoken, and the cluster's door between it and the caller closed before the words were through.</summary>
public sealed class LostWordsTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(1, 3)]
    [InlineData(1, 12)]
    public async Task WordsThatWereLost_AreSaidAgain_AndNothingIsComputedTwice(int behind, int times)
    {
        var losing = new LosesWords();
        await using var workers = await TestWorkers.StartAsync(
            2, _ => new EchoEngine { Step = TimeSpan.FromMilliseconds(30) },
            asking: client => client.AddOutgoingGrainCallFilter(losing));
        var text = "";
        var pieces = 0;
        await foreach (var update in workers.Client.GetStreamingResponseAsync([TestWorkers.Ask(1, "question")]))
        {
            text += update.Text;
            if (update.Text.Length > 0 && ++pieces == behind) losing.Left = times;
        }

        Assert.Equal(EchoEngine.Answer("a", TestWorkers.Image(1), "question"), text);
        Assert.Equal(0, losing.Left);
        Assert.Equal(1, workers.Engines.Sum(e => e.Requests.Count));
        Assert.Equal(0, workers.Cluster.Silos.Sum(s => s.ServiceProvider.GetRequiredService<Worker>().Running));
    }

    [Fact]
    public async Task ADoorThatLosesEverything_IsToldOf_AndTheWorkerIsFree()
    {
        var losing = new LosesWords();
        await using var workers = await TestWorkers.StartAsync(
            2, _ => new EchoEngine { Step = TimeSpan.FromMilliseconds(30), Filler = 200 },
            asking: client => client.AddOutgoingGrainCallFilter(losing));
        var lost = await Assert.ThrowsAsync<WorkerLostException>(async () =>
        {
            await foreach (var update in workers.Client.GetStreamingResponseAsync([TestWorkers.Ask(1, "question")]))
            {
                if (update.Text.Length > 0) losing.Left = int.MaxValue;
            }
        });
        Assert.True(lost.AnswerStarted);
        await TestWorkers.UntilAsync(
            () => workers.Cluster.Silos.Sum(s => s.ServiceProvider.GetRequiredService<Worker>().Running) == 0, "nobody's answer ends");
    }

    [Fact]
    public async Task WhoLeaves_IsWaitedFor_AndThenForgotten()
    {
        var clock = new StepClock();
        var answers = new OpenAnswers(clock);
        var engine = new Words();
        var request = new D2Pruner.AI.Orleans.Wire.AnswerRequest("", [], [], 0, Guid.NewGuid());
        await foreach (var said in answers.ReadAsync(request, engine.SayAsync, default)) if (said.Number == 1) break;
        Assert.False(engine.Ended);
        List<int> rest = [];
        await foreach (var said in answers.ReadAsync(request with { From = 1 }, engine.SayAsync, default)) rest.Add(said.Number);
        Assert.Equal([1, 2, 3], rest);
        Assert.True(engine.Ended);
        Assert.Equal(1, engine.Begun);
        clock.RingAll();
        await TestWorkers.UntilAsync(() => answers.Count == 0, "it is forgotten");
        await foreach (var _ in answers.ReadAsync(request with { From = 1 }, engine.SayAsync, default)) Assert.Fail("It is not known any more.");
        Assert.Equal(1, engine.Begun);

        // Who takes leave is not waited for.
        engine = new Words();
        request = request with { Id = Guid.NewGuid() };
        await foreach (var _ in answers.ReadAsync(request, engine.SayAsync, default)) await answers.EndAsync(request.Id);
        Assert.True(engine.Ended);
        Assert.Equal(0, answers.Count);
    }

    [Fact]
    public async Task AReaderWhoWasLeftBehind_EndsLate_WithoutEndingTheAnswerOfTheOneWhoCameBack()
    {
        var clock = new StepClock();
        var answers = new OpenAnswers(clock);
        var engine = new Words();
        var request = new D2Pruner.AI.Orleans.Wire.AnswerRequest("", [], [], 0, Guid.NewGuid());
        var left = answers.ReadAsync(request, engine.SayAsync, default).GetAsyncEnumerator();
        Assert.True(await left.MoveNextAsync());
        await using var back = answers.ReadAsync(request with { From = 1 }, engine.SayAsync, default).GetAsyncEnumerator();
        Assert.True(await back.MoveNextAsync());
        await left.DisposeAsync();
        // On the pool, where what a timer wakes runs at once.
        await Task.Run(clock.RingAll);
        Assert.Equal(1, answers.Count);
        Assert.False(engine.Ended);
        List<int> rest = [back.Current.Number];
        while (await back.MoveNextAsync()) rest.Add(back.Current.Number);
        Assert.Equal([1, 2, 3], rest);
        Assert.True(engine.Ended);
        Assert.Equal(1, engine.Begun);
        clock.RingAll();
        await TestWorkers.UntilAsync(() => answers.Count == 0, "it is forgotten");
    }

    // Its timers ring when they are told to.
    private sealed class StepClock : TimeProvider
    {
        private readonly List<Action> _timers = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            lock (_timers) _timers.Add(() => callback(state));
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public void RingAll()
        {
            lock (_timers) _timers.ForEach(ring => ring());
        }
    }

    private sealed class Words
    {
        public int Begun { get; private set; }

        public bool Ended { get; private set; }

        public async IAsyncEnumerable<D2Pruner.AI.Orleans.Wire.AnswerEvent> SayAsync(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Begun++;
            try
            {
                for (var i = 0; i < 3; i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    await Task.Yield();
                    yield return new(D2Pruner.AI.Orleans.Wire.AnswerEventKind.Text, "word");
                }

                yield return new(D2Pruner.AI.Orleans.Wire.AnswerEventKind.Completed, "{}");
            }
            finally
            {
                Ended = true;
            }
        }
    }

    // The worker does what it is asked; its answer never arrives.
    private sealed class LosesWords : IOutgoingGrainCallFilter
    {
        /// <summary>Calls whose results are lost from now on.</summary>
        public int Left { get; set; }

        public async Task Invoke(IOutgoingGrainCallContext context)
        {
            await context.Invoke();
            if (context.InterfaceMethod.Name is not ("MoveNext" or "StartEnumeration") || Left == 0) return;
            Left--;
            throw new SiloUnavailableException("The door has closed.");
        }
    }
}
