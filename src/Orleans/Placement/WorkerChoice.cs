namespace D2Pruner.AI.Orleans.Placement;

/// <summary>
/// Which worker a request goes to: the one of least cost, where
/// <c>cost = QueueWeight * load / slots + KvWeight * kv use - (1 if its caches hold the image)</c>. An image has few candidates: the workers
/// that hold it, and the <see cref="Candidates"/> that a hash of image and worker ranks first. Loads are known late, and if everybody took
/// the least loaded of all, everybody would take the same one; two to four choices serve as well as all (the power of two choices), and
/// the same image finds its few workers again. Candidates over the load's bound are taken only when all are, full workers never. Of equal
/// ones the highest rank decides. Requests without an image go to the least loaded of all. A pure function: the simulation uses the same.
/// </summary>
internal static class WorkerChoice
{
    /// <summary>Workers that an image which nobody holds may go to.</summary>
    public const int Candidates = 4;

    /// <summary>Chooses.</summary>
    /// <param name="workers">The workers.</param>
    /// <param name="image">The image; null for a request without one, for which residency and bound say nothing.</param>
    /// <param name="salt">What decides between equals where there is no image.</param>
    /// <param name="weights">The constants.</param>
    /// <returns>Index of the worker; -1 where every one is full, or there is none.</returns>
    public static int Choose(ReadOnlySpan<WorkerState> workers, ulong? image, ulong salt, PlacementWeights weights)
    {
        var choice = new Choice(workers, image is not null, weights);
        Span<(ulong Rank, int Index)> first = stackalloc (ulong, int)[Candidates]; // ranks falling
        var found = 0;
        for (var i = 0; i < workers.Length; i++)
        {
            ref readonly var worker = ref workers[i];
            if (worker.Load >= worker.Capacity) continue;
            var rank = Mix((image ?? salt) ^ Mix(worker.Id));
            if (image is null || worker.Resident)
            {
                choice.Consider(i, rank);
                continue;
            }

            if (found == Candidates && rank <= first[^1].Rank) continue;
            var at = found < Candidates ? found++ : found - 1;
            for (; at > 0 && first[at - 1].Rank < rank; at--) first[at] = first[at - 1];
            first[at] = (rank, i);
        }

        foreach (var (rank, i) in first[..found]) choice.Consider(i, rank);
        return choice.Best;
    }

    /// <summary>Whether one more request would put a worker over its bound, so that questions about an image may go to a second one:
    /// more than one batch, and more than <c>ceil(LoadBound * (total + 1) / workers)</c>.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="total">Load of all workers.</param>
    /// <param name="count">Number of all workers.</param>
    /// <param name="bound"><see cref="PlacementWeights.LoadBound"/>.</param>
    public static bool IsOver(in WorkerState worker, long total, int count, double bound) => IsOver(worker, Share(total, count, bound));

    /// <summary>Workers that one image's questions may be spread over: what was set, or 8 and an eighth of a larger cluster, because what
    /// is asked about the image in greatest demand grows with the cluster too; at most 128, because they are asked in turn.</summary>
    /// <param name="set"><see cref="D2PrunerClusterOptions.Spread"/>.</param>
    /// <param name="count">Number of all workers.</param>
    public static int Spread(int? set, int count) => set ?? Math.Clamp(count / 8, 8, 128);

    /// <summary>Load of all workers.</summary>
    public static long TotalLoad(ReadOnlySpan<WorkerState> workers)
    {
        long total = 0;
        foreach (ref readonly var worker in workers) total += worker.Load;
        return total;
    }

    // The least of those that are considered.
    private ref struct Choice(ReadOnlySpan<WorkerState> workers, bool hasImage, PlacementWeights weights)
    {
        private readonly ReadOnlySpan<WorkerState> _workers = workers;
        private readonly long _share = hasImage ? Share(TotalLoad(workers), workers.Length, weights.LoadBound) : long.MaxValue;
        private (bool Over, double Cost, ulong Rank) _least;

        public int Best { get; private set; } = -1;

        public void Consider(int i, ulong rank)
        {
            ref readonly var worker = ref _workers[i];
            var (over, cost) = (IsOver(worker, _share), Cost(worker, hasImage, weights));
            if (Best >= 0 && (over != _least.Over ? over : cost != _least.Cost ? cost > _least.Cost : rank <= _least.Rank)) return;
            (Best, _least) = (i, (over, cost, rank));
        }
    }

    private static long Share(long total, int count, double bound) => (long)Math.Ceiling(bound * (total + 1) / count);

    private static bool IsOver(in WorkerState worker, long share) => worker.Load + 1 > Math.Max(worker.Slots, share);

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
