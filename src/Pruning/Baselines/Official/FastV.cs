namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>FastV (pkunlp-icler/FastV d1659729b5): the n image tokens of the highest attention in
/// the last query row of layer K-1.</summary>
internal static class FastV
{
    /// <summary>n of the Hugging Face demo: Python's round(N (1 - R)), ties to even, R the share removed.</summary>
    /// <param name="count">N.</param>
    /// <param name="removed">R.</param>
    public static int CountOfRemoved(int count, double removed) => (int)Math.Round(count * (1 - removed), MidpointRounding.ToEven);

    /// <summary>Chooses; the kept positions are their original ids.</summary>
    /// <param name="queries">Per head the rotated queries of layer K-1, [L, d].</param>
    /// <param name="keys">Per head the rotated keys of layer K-1, [L, d].</param>
    /// <param name="start">Position of the first image token.</param>
    /// <param name="count">N, the image tokens.</param>
    /// <param name="budget">n.</param>
    /// <returns>Kept image tokens, ascending from 0.</returns>
    public static int[] Select(IReadOnlyList<RowMatrix> queries, IReadOnlyList<RowMatrix> keys, int start, int count, int budget)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(keys);
        return RivalMath.Top(RivalMath.LastRow(queries, keys)[start..(start + count)], budget);
    }
}
