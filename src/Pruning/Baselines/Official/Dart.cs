namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// DART as published (fork xqy1111111/DART d6a5af6f24): 4 image and 4 text pivots of the largest key norm, each takes the m pool tokens
/// least similar to it, in the iteration order of a CPython set of the pivots' absolute positions. 4 + 8 m
/// tokens are kept, with their position ids.
/// </summary>
internal static class Dart
{
    private const int PivotsPerKind = 4;
    private const double ShortestNorm = 1e-8;

    /// <summary>m of LLaVA's code: n // 8.</summary>
    /// <param name="budget">n.</param>
    public static int PerPivot(int budget) => budget / (2 * PivotsPerKind);

    /// <summary>m of Qwen's code: int(V (1 - r) / 8).</summary>
    /// <param name="count">V.</param>
    /// <param name="removed">r.</param>
    public static int PerPivot(int count, double removed) => (int)(count * (1 - removed) / (2 * PivotsPerKind));

    /// <summary>The pivots by falling L1 norm of their keys over all heads, counted from the first image token.</summary>
    /// <param name="keys">Per head the rotated keys of layer K-1, [L, d].</param>
    /// <param name="start">Position of the first image token.</param>
    /// <param name="count">V, the image tokens.</param>
    public static (int[] Image, int[] Text) Pivots(IReadOnlyList<RowMatrix> keys, int start, int count)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var norms = new double[keys[0].Count];
        foreach (var head in keys)
        {
            for (var i = 0; i < norms.Length; i++)
            {
                foreach (var v in head[i]) norms[i] += Math.Abs(v);
            }
        }

        return ([.. RivalMath.Falling(norms[start..(start + count)]).Take(PivotsPerKind)],
            [.. RivalMath.Falling(norms[(start + count)..]).Take(PivotsPerKind).Select(i => i + count)]);
    }

    /// <summary>Chooses.</summary>
    /// <param name="normed">Final-normed output of layer K-1, [L, D].</param>
    /// <param name="keys">Per head the rotated keys of layer K-1, [L, d].</param>
    /// <param name="start">Position of the first image token.</param>
    /// <param name="count">V, the image tokens.</param>
    /// <param name="perPivot">m.</param>
    /// <returns>The kept image tokens, ascending from 0; the pivots in the order in which they choose,
    /// counted from the first image token.</returns>
    public static (int[] Kept, int[] PivotOrder) Select(RowMatrix normed, IReadOnlyList<RowMatrix> keys, int start, int count, int perPivot)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var (image, text) = Pivots(keys, start, count);
        var order = PythonSet.Order([.. image.Concat(text).Select(i => i + start)]);
        var units = RivalMath.Units(normed, ShortestNorm);
        var kept = new SortedSet<int>(image.Select(i => i + start));
        foreach (var pivot in order)
        {
            var pool = Enumerable.Range(start, count).Where(i => !kept.Contains(i)).OrderBy(i => RivalMath.Dot(units[pivot], units[i]))
                .ThenBy(i => i);
            foreach (var token in pool.Take(perPivot).ToArray()) kept.Add(token);
        }

        return ([.. kept.Select(i => i - start)], Array.ConvertAll(order, p => p - start));
    }
}
