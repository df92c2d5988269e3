namespace D2Pruner.AI.Orleans.Placement;

/// <summary>
/// Which worker a request goes to: the one of least cost, where
/// <c>cost = QueueWeight * load / slots + KvWeight * kv use - (1 if its caches hold the image)</c>. Workers over the load's bound are taken
/// for images only when all are, full ones never. Of equal ones the highest hash of image and worker decides, so that the same image comes
/// back to the same worker. A pure function: the simulation uses the same.
/// </summary>
internal static class WorkerChoice
{
    /// <summary>Chooses.</summary>
    /// <param name="workers">The workers.</param>
    /// <param name="image">The image; null for a request without one, for which residency and bound say nothing.</param>
    /// <param name="salt">What decides between equals where there is no image.</param>
    /// <param name="weights">The constants.</param>
    /// <returns>Index of the worker; -1 where every one is full, or there is none.</returns>
    public static int Choose(ReadOnlySpan<WorkerState> workers, ulong? image, ulong salt, PlacementWeights weights)
    {
        var share = Share(TotalLoad(workers), workers.Length, weights.LoadBound);
        var best = -1;
        (bool Over, double Cost, ulong Rank) least = default;
        for (var i = 0; i < workers.Length; i++)
        {
            ref readonly var worker = ref workers[i];
            if (worker.Load >= worker.Capacity) continue;
            var over = image is not null && IsOver(worker, share);
            var cost = Cost(worker, image is not null, weights);
            // Most are decided without it; a large cluster asks about thousands of workers each time.
            if (best >= 0 && (over && !least.Over || over == least.Over && cost > least.Cost)) continue;
            var rank = Mix((image ?? salt) ^ Mix(worker.Id));
            if (best >= 0 && over == least.Over && cost == least.Cost && rank <= least.Rank) continue;
            (best, least) = (i, (over, cost, rank));
        }

        return best;
    }

    /// <summary>Whether one more request would put a worker over its bound, so that questions about an image may go to a second one:
    /// more than one batch, and more than <c>ceil(LoadBound * (total + 1) / workers)</c>.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="total">Load of all workers.</param>
    /// <param name="count">Number of all workers.</param>
    /// <param name="bound"><see cref="PlacementWeights.LoadBound"/>.</param>
    public static bool IsOver(in WorkerState worker, long total, int count, double bound) => IsOver(worker, Share(total, count, bound));

    /// <summary>Workers that one image's questions may be spread over: what was set, or 8 and an eighth of a larger cluster, because what
    /// is asked about the image in greatest demand grows with the cluster too.</summary>
    /// <param name="set"><see cref="D2PrunerClusterOptions.Spread"/>.</param>
    /// <param name="count">Number of all workers.</param>
    public static int Spread(int? set, int count) => set ?? Math.Max(8, count / 8);

    /// <summary>Load of all workers.</summary>
    public static long TotalLoad(ReadOnlySpan<WorkerState> workers)
    {
        long total = 0;
        foreach (ref readonly var worker in workers) total += worker.Load;
        return total;
    }

    private static double Share(long total, int count, double bound) => Math.Ceiling(bound * (total + 1) / count);

    private static bool IsOver(in WorkerState worker, double share) => worker.Load + 1 > Math.Max(worker.Slots, share);

    private static double Cost(in WorkerState worker, bool hasImage, PlacementWeights weights) =>
        weights.Queue * worker.Load / Math.Max(1, worker.Slots) + weights.Kv * worker.KvUse - (hasImage && worker.Resident ? 1 : 0);

    // The finalizer of SplitMix64: every bit of the input changes about half of the output's.
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
