namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// FitPrune (ywh187/FitPrune d28e418c92): every layer deletes the image tokens of the smallest product of cross and self attention; how
/// many is fitted so that both kinds of attention lose little. Needs whole attention maps of every layer. Rows leave after a layer's
/// attention product, that layer's own cache keeps them; position ids are kept.
/// </summary>
internal static class FitPrune
{
    /// <summary>Deletes the smallest ones.</summary>
    /// <param name="queries">Per head the rotated queries, [L, d].</param>
    /// <param name="keys">Per head the rotated keys, [L, d].</param>
    /// <param name="start">Position of the first image token.</param>
    /// <param name="count">V, the image tokens that are left.</param>
    /// <param name="delete">How many to delete.</param>
    /// <returns>The deleted ones, smallest first.</returns>
    public static int[] Delete(IReadOnlyList<RowMatrix> queries, IReadOnlyList<RowMatrix> keys, int start, int count, int delete)
    {
        var (self, cross) = Sums(queries, keys, start, count);
        double[] product = [.. self.Select((s, i) => s / count * cross[i])];
        return [.. Enumerable.Range(0, count).OrderBy(i => product[i]).ThenBy(i => i).Take(delete)];
    }

    /// <summary>The fitting step of one layer and sample: the tokens that both kinds of attention can lose.</summary>
    /// <param name="queries">Per head the rotated queries, [L, d].</param>
    /// <param name="keys">Per head the rotated keys, [L, d].</param>
    /// <param name="start">Position of the first image token.</param>
    /// <param name="count">V, the image tokens that are left.</param>
    /// <param name="alpha">Share of attention that may be lost.</param>
    /// <param name="whole">Self and cross sums of the unpruned model; null where this is it.</param>
    /// <returns>The tokens, ascending.</returns>
    public static int[] Fit(IReadOnlyList<RowMatrix> queries, IReadOnlyList<RowMatrix> keys, int start, int count, double alpha,
        (double Self, double Cross)? whole = null)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var (self, cross) = Sums(queries, keys, start, count);
        var text = keys[0].Count - start - count;
        double[] s = [.. self.Select(v => v / count)], c = [.. cross.Select(v => v / text)];
        return [.. Expendable(s, whole?.Self ?? s.Sum(), alpha).Intersect(Expendable(c, whole?.Cross ?? c.Sum(), alpha)).Order()];
    }

    private static IEnumerable<int> Expendable(double[] values, double whole, double alpha)
    {
        int[] order = [.. Enumerable.Range(0, values.Length).OrderBy(i => values[i]).ThenBy(i => i)];
        var (left, i) = (values.Sum(), 0);
        // The first count whose loss is too large, less one.
        for (; i < order.Length && left >= whole * (1 - alpha); i++) left -= values[order[i]];
        return order.Take(Math.Max(i - 1, 0));
    }

    // Head-maximum attention to each image token, summed over image rows and over the rows after the image.
    private static (double[] Self, double[] Cross) Sums(
        IReadOnlyList<RowMatrix> queries, IReadOnlyList<RowMatrix> keys, int start, int count)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(keys);
        var (self, cross) = (new double[count], new double[count]);
        for (var row = start; row < keys[0].Count; row++)
        {
            double[][] heads = [.. keys.Select((k, h) => RivalMath.AttentionRow(queries[h], k, row))];
            var sums = row < start + count ? self : cross;
            for (var j = 0; j < count; j++) sums[j] += heads.Max(a => a[start + j]);
        }

        return (self, cross);
    }
}
