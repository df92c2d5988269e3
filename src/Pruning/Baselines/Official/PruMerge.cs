namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// LLaVA-PruMerge and PruMerge+ (42Shawn/LLaVA-PruMerge 097c04116a): as many patches as have outlying CLS attention in the tower's last
/// layer ("+": and a stride over the rest); each kept one takes up its 32 nearest by key, one more token takes up all that was dropped.
/// Changes what the tower gives; the order is that of attention, ids become contiguous.
/// </summary>
internal static class PruMerge
{
    private const int Nearest = 32;

    /// <summary>Reduces one image.</summary>
    /// <param name="features">Output of the tower (hidden_states[-2]), patches only, [N, D].</param>
    /// <param name="keys">Raw key projection of the last layer, CLS row first, [1 + N, C].</param>
    /// <param name="query">Raw query projection of the last layer's CLS row, [C].</param>
    /// <param name="plus">PruMerge+.</param>
    /// <returns>The kept patches in order, how many of them by attention, and the tokens: the kept ones,
    /// then the one merged of the rest.</returns>
    /// <exception cref="ArgumentException">"+" where there is no outlier, or where more than a third are (the
    /// published code fails there too).</exception>
    public static (int[] Kept, int ByAttention, RowMatrix Tokens) Reduce(RowMatrix features, RowMatrix keys, float[] query, bool plus)
    {
        ArgumentNullException.ThrowIfNull(query);
        var scale = 1 / Math.Sqrt(keys.Width);
        double[] scores = [.. Enumerable.Range(0, keys.Count).Select(i => RivalMath.Dot(query, keys[i]) * scale)];
        var attention = RivalMath.Softmax(scores, scores.Length)[1..];
        var count = features.Count;
        double[] sorted = [.. attention.Order()];
        var (q1, q3) = (Percentile(sorted, 0.25), Percentile(sorted, 0.75));
        var ratio = (double)attention.Count(a => a > q3 + 1.5 * (q3 - q1)) / count;
        var kept = RivalMath.Falling(attention).Take((int)(count * ratio)).ToList();
        var byAttention = kept.Count;
        if (plus)
        {
            var step = ratio > 0 ? (int)(1 / ratio) / 3 : 0;
            if (step == 0)
                throw new ArgumentException(
                    $"PruMerge+ needs outliers, and at most a third of the patches; found {byAttention} of {count}.", nameof(features));
            var known = kept.ToHashSet();
            for (var i = 0; i < count - 1; i += step)
            {
                if (known.Add(i)) kept.Add(i);
            }
        }

        var units = RivalMath.Units(keys.Slice(1, count));
        var width = features.Width;
        var values = new float[(kept.Count + 1) * width];
        for (var k = 0; k < kept.Count; k++)
        {
            var own = kept[k];
            var near = Enumerable.Range(0, count).Where(i => i != own).OrderByDescending(i => RivalMath.Dot(units[own], units[i]))
                .ThenBy(i => i).Take(Nearest);
            var sum = Weighted(features, attention, near);
            for (var d = 0; d < width; d++) values[k * width + d] = (float)(features[own][d] + sum[d]);
        }

        var rest = Weighted(features, attention, Enumerable.Range(0, count).Except(kept));
        for (var d = 0; d < width; d++) values[kept.Count * width + d] = (float)rest[d];
        return ([.. kept], byAttention, new RowMatrix(values, kept.Count + 1, width));
    }

    private static double[] Weighted(RowMatrix features, double[] weights, IEnumerable<int> rows)
    {
        var sum = new double[features.Width];
        foreach (var row in rows)
        {
            for (var d = 0; d < sum.Length; d++) sum[d] += weights[row] * features[row][d];
        }

        return sum;
    }

    // numpy's linear interpolation between order statistics.
    private static double Percentile(double[] sorted, double share)
    {
        var place = share * (sorted.Length - 1);
        var low = (int)place;
        return sorted[low] + (place - low) * (sorted[Math.Min(low + 1, sorted.Length - 1)] - sorted[low]);
    }
}
