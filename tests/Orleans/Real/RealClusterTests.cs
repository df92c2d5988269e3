using System.Collections.Concurrent;
using D2Pruner.AI.Orleans;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans.Real;

/// <summary>Processes that are killed and paused, over databases that are restarted.</summary>
[Trait("Category", "Cluster")]
public sealed class RealClusterTests
{
    [SkippableTheory]
    [InlineData("redis")]
    [InlineData("postgres")]
    public async Task Kill9_BeforeTheAnswer_InIt_AndBetweenRequests(string kind)
    {
        await using var cluster = await RealCluster.StartAsync(kind, 4, prefill: 800, step: 400);

        var before = cluster.Client.GetResponseAsync([TestWorkers.Ask(1, "before")]);
        (await cluster.BusyAsync()).Kill();
        Assert.Equal(Right(1, "before"), (await before).Text);
        await cluster.ServingAsync(3);

        List<string> seen = [];
        var lost = await Assert.ThrowsAsync<WorkerLostException>(async () =>
        {
            await foreach (var update in cluster.Client.GetStreamingResponseAsync([TestWorkers.Ask(2, "within")]))
            {
                seen.Add(update.Text);
                if (seen.Count == 1) (await cluster.BusyAsync()).Kill();
            }
        });
        Assert.True(lost.AnswerStarted);
        Assert.StartsWith(string.Concat(seen), Right(2, "within"), StringComparison.Ordinal);

        // The cluster may not know yet that one is gone.
        var asked = await cluster.Client.GetResponseAsync([TestWorkers.Ask(2, "after")]);
        Assert.Equal(Right(2, "after"), asked.Text);
    }

    [SkippableFact]
    public async Task AWorkerThatIsPaused_IsReplaced_AndLeavesWhenItWakes()
    {
        await using var cluster = await RealCluster.StartAsync("redis", 3, prefill: 1500, step: 10);
        var asking = cluster.Client.GetResponseAsync([TestWorkers.Ask(1, "question")]);
        var paused = await cluster.BusyAsync();
        paused.Signal("STOP");
        Assert.Equal(Right(1, "question"), (await asking).Text);
        await cluster.ServingAsync(2);
        paused.Signal("CONT");
        await paused.EndedAsync();
        Assert.Equal(Right(1, "again"), (await cluster.Client.GetResponseAsync([TestWorkers.Ask(1, "again")])).Text);
    }

    [SkippableTheory]
    [InlineData("redis")]
    [InlineData("postgres")]
    public async Task ADatabaseThatIsRestarted_StopsNobody(string kind)
    {
        await using var cluster = await RealCluster.StartAsync(kind, 2, prefill: 20, step: 5);
        using var end = new CancellationTokenSource();
        var done = 0;
        var asking = Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                Assert.Equal(Right(done, "question"), (await cluster.Client.GetResponseAsync([TestWorkers.Ask(done, "question")])).Text);
                Interlocked.Increment(ref done);
            }
        });
        await cluster.Storage.RestartAsync(away: TimeSpan.FromSeconds(3));
        var until = Volatile.Read(ref done) + 10;
        await TestWorkers.UntilAsync(() => Volatile.Read(ref done) > until || asking.IsCompleted, "answers go on");
        await end.CancelAsync();
        await asking;
        // Membership works again.
        cluster.Workers[0].Signal("TERM");
        await cluster.Workers[0].EndedAsync();
        await cluster.ServingAsync(1);
        Assert.Equal(Right(1, "after"), (await cluster.Client.GetResponseAsync([TestWorkers.Ask(1, "after")])).Text);
    }

    [SkippableFact]
    public async Task FiveHundredRequests_WithTwoKills_AreAnsweredRight_OrFailTyped()
    {
        await using var cluster = await RealCluster.StartAsync("redis", 3, prefill: 60, step: 20);
        var results = new ConcurrentDictionary<int, string>();
        var next = -1;
        var killed = 0;
        await Task.WhenAll(Enumerable.Range(0, 24).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var i && i < 500)
            {
                if (i is 150 or 300) cluster.Workers[killed++].Kill();
                string result;
                try
                {
                    result = (await cluster.Client.GetResponseAsync([TestWorkers.Ask(i % 60, $"question {i}")])).Text;
                }
                catch (Exception e) when (e is IVisionError)
                {
                    result = e.GetType().Name;
                }

                Assert.True(results.TryAdd(i, result));
            }
        }));
        Assert.Equal(500, results.Count);
        var failed = results.Where(r => r.Value != Right(r.Key % 60, $"question {r.Key}")).ToList();
        Assert.All(failed, f => Assert.Equal(nameof(WorkerLostException), f.Value));
        // No more than were being answered when the two were killed.
        Assert.InRange(failed.Count, 0, 48);
    }

    private static string Right(int image, string question) => EchoEngine.Answer("a", TestWorkers.Image(image), question);
}
