using D2Pruner.AI.Orleans;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans.Real;

/// <summary>A worker's cable is pulled out, and put in again.</summary>
[Trait("Category", "Cluster")]
public sealed class CutNetworkTests
{
    [SkippableTheory]
    [InlineData("redis")]
    [InlineData("postgres")]
    public async Task AWorkerThatIsCutOff_IsReplaced_AndLeavesWhenItIsReachedAgain(string kind)
    {
        using var network = CutNetwork.Create(4);
        await using var cluster = await RealCluster.StartAsync(kind, 4, prefill: 6000, step: 2500, network);

        // One is in the middle of its answer, and another one on the same worker before its first piece.
        List<string> seen = [];
        await using var within = cluster.Client.GetStreamingResponseAsync([TestWorkers.Ask(1, "within")]).GetAsyncEnumerator();
        Assert.True(await within.MoveNextAsync());
        seen.Add(within.Current.Text);
        var cut = await cluster.BusyAsync();
        var before = cluster.Client.GetResponseAsync([TestWorkers.Ask(1, "before")]);
        var others = Enumerable.Range(10, 3).Select(i => cluster.Client.GetResponseAsync([TestWorkers.Ask(i, "others")])).ToList();
        Assert.Same(cut, await cluster.BusyAsync(load: 2));
        network.Cut(cut.Place);

        var lost = await Assert.ThrowsAsync<WorkerLostException>(async () =>
        {
            while (await within.MoveNextAsync()) seen.Add(within.Current.Text);
        });
        Assert.True(lost.AnswerStarted);
        Assert.Equal(cut.Address, lost.Worker);
        Assert.StartsWith(string.Concat(seen), Right(1, "within"), StringComparison.Ordinal);
        Assert.Equal(Right(1, "before"), (await before).Text);
        for (var i = 0; i < others.Count; i++) Assert.Equal(Right(10 + i, "others"), (await others[i]).Text);
        await cluster.ServingAsync(3);
        Assert.False(cut.HasExited);

        // It learns that the cluster holds it for dead, and another one takes its place.
        network.Heal(cut.Place);
        await cut.EndedAsync();
        var joined = await cluster.AddAsync(cut.Place);
        await cluster.ServingAsync(4);
        Assert.Contains(cluster.View.Latest.Serving("vision"), w => w.Worker.Silo.ToParsableString() == joined.Address);
        Assert.Equal(Right(1, "after"), (await cluster.Client.GetResponseAsync([TestWorkers.Ask(1, "after")])).Text);
    }

    private static string Right(int image, string question) => EchoEngine.Answer("a", TestWorkers.Image(image), question);
}
