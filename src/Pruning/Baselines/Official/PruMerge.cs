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
        var attention = Attention(keys, query);
        var (kept, byAttention) = Kept(attention, plus);
        return (kept, byAttention, Merge(features, keys, attention, kept));
    }

    /// <summary>The CLS row's attention to the patches, over one head of the full width, [N].</summary>
    /// <param name="keys">As in <see cref="Reduce"/>.</param>
    /// <param name="query">As in <see cref="Reduce"/>.</param>
    public static double[] Attention(RowMatrix keys, float[] query)
    {
        ArgumentNullException.ThrowIfNull(query);
        var scale = 1 / Math.Sqrt(keys.Width);
        double[] scores = [.. Enumerable.Range(0, keys.Count).Select(i => RivalMath.Dot(query, keys[i]) * scale)];
        return RivalMath.Softmax(scores, scores.Length)[1..];
    }

    /// <summary>The patches that the published code keeps, in order, and how many of them by attention.</summary>
    /// <param name="attention">As <see cref="Attention"/> gives it.</param>
    /// <param name="plus">PruMerge+.</param>
    /// <exception cref="ArgumentException">As in <see cref="Reduce"/>.</exception>
    public static (int[] Kept, int ByAttention) Kept(double[] attention, bool plus)
    {
        ArgumentNullException.ThrowIfNull(attention);
        var count = attention.Length;
        double[] sorted = [.. attention.Order()];
        var (q1, q3) = (Percentile(sorted, 0.25), Percentile(sorted, 0.75));
        var ratio = (double)attention.Count(a => a > q3 + 1.5 * (q3 - q1)) / count;
        var kept = RivalMath.Falling(attention).Take((int)(count * ratio)).ToList();
        var byAttention = kept.Count;
        if (!plus) return ([.. kept], byAttention);
        var step = ratio > 0 ? (int)(1 / ratio) / 3 : 0;
        if (step == 0)
            throw new ArgumentException(
                $"PruMerge+ needs outliers, and at most a third of the patches; found {byAttention} of {count}.", nameof(attention));
        var known = kept.ToHashSet();
        for (var i = 0; i < count - 1; i += step)
        {
            if (known.Add(i)) kept.Add(i);
        }

        return ([.. kept], byAttention);
    }

    /// <summary>The patches of exactly n: the highest attention; "+": outliers first, at most half, then an even stride over the rest
    /// (the published "+" fails without outliers, and neither can be asked for a number).</summary>
    /// <param name="attention">As <see cref="Attention"/> gives it.</param>
    /// <param name="count">n.</param>
    /// <param name="plus">PruMerge+.</param>
    public static int[] KeptOf(double[] attention, int count, bool plus)
    {
        ArgumentNullException.ThrowIfNull(attention);
        var falling = RivalMath.Falling(attention);
        if (!plus) return falling[..count];
        double[] sorted = [.. attention.Order()];
        var (q1, q3) = (Percentile(sorted, 0.25), Percentile(sorted, 0.75));
        int[] outliers = [.. falling.TakeWhile(i => attention[i] > q3 + 1.5 * (q3 - q1)).Take((count + 1) / 2)];
        int[] rest = [.. Enumerable.Range(0, attention.Length).Except(outliers)];
        var left = count - outliers.Length;
        return [.. outliers, .. Enumerable.Range(0, left).Select(i => rest[(int)((long)i * rest.Length / left)])];
    }

    /// <summary>Merges: each kept patch takes up its nearest by key, one more token all that was dropped, [kept + 1, D].</summary>
    /// <param name="features">As in <see cref="Reduce"/>.</param>
    /// <param name="keys">As in <see cref="Reduce"/>.</param>
    /// <param name="attention">As <see cref="Attention"/> gives it.</param>
    /// <param name="kept">The kept patches in order.</param>
    public static RowMatrix Merge(RowMatrix features, RowMatrix keys, double[] attention, IReadOnlyList<int> kept)
    {
        ArgumentNullException.ThrowIfNull(kept);
        var count = features.Count;
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
        return new RowMatrix(values, kept.Count + 1, width);
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
