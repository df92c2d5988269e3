using D2Pruner.AI.Orleans.Placement;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>The decision where a request goes.</summary>
public sealed class WorkerChoiceTests
{
    private static readonly PlacementWeights Weights = new(Queue: 1, Kv: 0.5, LoadBound: 1.25);

    [Fact]
    public void TheCachesThatHoldTheImage_AreWorthALittleLessThanABatch()
    {
        Assert.Equal(1, Choose([Of(1), Of(2, load: 3, resident: true)]));
        Assert.Equal(0, Choose([Of(1), Of(2, load: 5, resident: true)]));
        // Without an image they are worth nothing.
        Assert.Equal(0, WorkerChoice.Choose([Of(1), Of(2, load: 1, resident: true)], null, 0, Weights));
    }

    [Fact]
    public void KeysAndValuesInUse_CountToo()
    {
        Assert.Equal(1, Choose([Of(1, kv: 1), Of(2, load: 1)]));
        Assert.Equal(0, Choose([Of(1, kv: 1), Of(2, load: 3)]));
    }

    [Fact]
    public void WhoIsFull_IsNeverChosen()
    {
        Assert.Equal(0, Choose([Of(1, load: 7), Of(2, load: 8, resident: true)]));
        Assert.Equal(-1, Choose([Of(1, load: 8), Of(2, load: 8)]));
        Assert.Equal(-1, Choose([]));
    }

    [Fact]
    public void TheSameImage_ComesToTheSameWorker_AndMostStayWhereAWorkerGoes()
    {
        WorkerState[] workers = [.. Enumerable.Range(0, 20).Select(i => Of((ulong)i))];
        var homes = Enumerable.Range(0, 1000).Select(i => Choose(workers, (ulong)i * 7919)).ToArray();
        Assert.Equal(homes, Enumerable.Range(0, 1000).Select(i => Choose([.. workers], (ulong)i * 7919)));
        var counts = homes.GroupBy(h => h).Select(g => g.Count()).ToList();
        Assert.Equal(20, counts.Count);
        Assert.InRange(counts.Max(), 50, 90);
        var fewer = Enumerable.Range(0, 1000).Select(i => Choose(workers[..19], (ulong)i * 7919)).ToArray();
        Assert.All(homes.Zip(fewer), p => Assert.True(p.First == p.Second || p.First == 19));
    }

    [Theory]
    [InlineData(3, 100, 100, false)]
    [InlineData(4, 0, 100, true)]
    [InlineData(4, 1000, 100, false)]
    [InlineData(4, 4, 1, false)]
    public void TheBound_IsABatchOrAShareOverTheAverage(int load, long others, int count, bool over) =>
        Assert.Equal(over, WorkerChoice.IsOver(Of(1, load: load), load + others, count, 1.25));

    private static int Choose(ReadOnlySpan<WorkerState> workers, ulong image = 5) => WorkerChoice.Choose(workers, image, 0, Weights);

    private static WorkerState Of(ulong id, int load = 0, double kv = 0, bool resident = false) => new(id, load, 4, 8, kv, resident);
}
