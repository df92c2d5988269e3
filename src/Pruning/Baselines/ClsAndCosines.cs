namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>What served methods share that choose by the tower's CLS attention and the cosines between tokens.</summary>
internal static class ClsAndCosines
{
    /// <summary>What they read.</summary>
    public const PruningSignals Signals = PruningSignals.VisionClsAttention | PruningSignals.HiddenStates;

    /// <summary>A published function over a context.</summary>
    /// <param name="context">The context.</param>
    /// <param name="choose">The function: attention, cosine of two tokens and n to the kept tokens.</param>
    /// <exception cref="ArgumentException">A signal is missing.</exception>
    public static TokenReduction Reduce(PruningContext context, Func<double[], Func<int, int, double>, int, int[]> choose)
    {
        ArgumentNullException.ThrowIfNull(context);
        var attention = PrunerGuard.Cls(context);
        var cosines = CosineTable.Of(PrunerGuard.Rows(context.HiddenStates, context, "hidden states"), context.CancellationToken);
        return new TokenReduction
        {
            Kept = choose(Array.ConvertAll(attention, a => (double)a), (i, j) => cosines[i, j], context.Budget),
            Statistics = new SelectionStatistics { Scores = attention },
        };
    }
}
