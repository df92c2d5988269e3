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

    [Theory]
    [InlineData(null, 2, 8)]
    [InlineData(null, 64, 8)]
    [InlineData(null, 80, 10)]
    [InlineData(null, 4096, 128)]
    [InlineData(2, 4096, 2)]
    public void TheSpread_GrowsWithTheCluster_UnlessItIsSet(int? set, int count, int spread) =>
        Assert.Equal(spread, WorkerChoice.Spread(set, count));

    [Fact]
    public void TheChoice_IsTheLeastOfItsCandidates_InWhateverOrderTheyStand()
    {
        var random = new Random(1);
        for (var i = 0; i < 500; i++)
        {
            WorkerState[] workers = [.. Enumerable.Range(0, random.Next(1, 30)).Select(n => Of(
                (ulong)n, random.Next(8), random.Next(3) / 4d, random.Next(4) == 0))];
            var image = (ulong)random.NextInt64();
            var chosen = Choose(workers, image);
            var total = WorkerChoice.TotalLoad(workers);
            (bool, double) Cost(WorkerState w) =>
                (WorkerChoice.IsOver(w, total, workers.Length, 1.25), w.Load / 4d + w.KvUse / 2 - (w.Resident ? 1 : 0));
            Assert.All(workers.Where(w => w.Resident), w => Assert.True(Cost(workers[chosen]).CompareTo(Cost(w)) <= 0));
            // With fewer than four that do not hold it, all are candidates.
            if (workers.Count(w => !w.Resident) <= WorkerChoice.Candidates)
                Assert.Equal(workers.Select(Cost).Min(), Cost(workers[chosen]));
            var (state, shuffled) = (workers[chosen], workers.ToArray());
            random.Shuffle(shuffled);
            Assert.Equal(state, shuffled[Choose(shuffled, image)]);
        }
    }

    [Fact]
    public void AnImage_HasFourCandidates_AndThoseThatHoldIt()
    {
        WorkerState[] workers = [.. Enumerable.Range(0, 100).Select(i => Of((ulong)i))];
        var seen = new HashSet<int>();
        while (seen.Count < 100)
        {
            var chosen = Choose(workers);
            if (!seen.Add(chosen)) break;
            workers[chosen] = workers[chosen] with { Load = 1 }; // each further one is the least loaded of what is left
        }

        Assert.Equal(WorkerChoice.Candidates, seen.Count);
        // One that holds it is asked first, wherever it stands, and the next ranks take the places of full ones.
        var holder = Enumerable.Range(0, 100).First(i => !seen.Contains(i));
        workers[holder] = workers[holder] with { Resident = true };
        Assert.Equal(holder, Choose(workers));
        workers[holder] = workers[holder] with { Load = 8 };
        foreach (var i in seen) workers[i] = workers[i] with { Load = 8 };
        Assert.DoesNotContain(Choose(workers), seen.Append(holder));
    }

    [Fact]
    public void WithoutAnImage_TheLeastLoadedOfAllIsTaken()
    {
        WorkerState[] workers = [.. Enumerable.Range(0, 100).Select(i => Of((ulong)i, load: i == 61 ? 1 : 2))];
        for (ulong salt = 0; salt < 50; salt++) Assert.Equal(61, WorkerChoice.Choose(workers, null, salt, Weights));
    }

    private static int Choose(ReadOnlySpan<WorkerState> workers, ulong image = 5) => WorkerChoice.Choose(workers, image, 0, Weights);

    private static WorkerState Of(ulong id, int load = 0, double kv = 0, bool resident = false) => new(id, load, 4, 8, kv, resident);
}
