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
        return Delete(self, cross, delete);
    }

    /// <summary>Deletes the smallest ones, given the sums.</summary>
    /// <param name="self">Per image token that is left: its attention (maximum over heads), summed over the image's rows, [V].</param>
    /// <param name="cross">The same, summed over all rows behind the image, [V].</param>
    /// <param name="delete">How many to delete.</param>
    /// <returns>The deleted ones, smallest first.</returns>
    public static int[] Delete(double[] self, double[] cross, int delete)
    {
        ArgumentNullException.ThrowIfNull(self);
        ArgumentNullException.ThrowIfNull(cross);
        double[] product = [.. self.Select((s, i) => s / self.Length * cross[i])];
        return [.. Enumerable.Range(0, self.Length).OrderBy(i => product[i]).ThenBy(i => i).Take(delete)];
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
        return Fit(self, cross, keys[0].Count - start - count, alpha, whole);
    }

    /// <summary>The fitting step, given the sums.</summary>
    /// <param name="self">As in <see cref="Delete(double[], double[], int)"/>.</param>
    /// <param name="cross">As there.</param>
    /// <param name="text">Rows behind the image.</param>
    /// <param name="alpha">Share of attention that may be lost.</param>
    /// <param name="whole">Self and cross means of the unpruned model (<see cref="Means"/>); null where this is it.</param>
    /// <returns>The tokens, ascending.</returns>
    public static int[] Fit(double[] self, double[] cross, int text, double alpha, (double Self, double Cross)? whole = null)
    {
        ArgumentNullException.ThrowIfNull(self);
        ArgumentNullException.ThrowIfNull(cross);
        double[] s = [.. self.Select(v => v / self.Length)], c = [.. cross.Select(v => v / text)];
        return [.. Expendable(s, whole?.Self ?? s.Sum(), alpha).Intersect(Expendable(c, whole?.Cross ?? c.Sum(), alpha)).Order()];
    }

    /// <summary>What <see cref="Fit(double[], double[], int, double, ValueTuple{double, double}?)"/> compares losses with.</summary>
    /// <param name="self">Sums of the unpruned model.</param>
    /// <param name="cross">Sums of the unpruned model.</param>
    /// <param name="text">Rows behind the image.</param>
    public static (double Self, double Cross) Means(double[] self, double[] cross, int text) =>
        (self.Sum() / self.Length, cross.Sum() / text);

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
