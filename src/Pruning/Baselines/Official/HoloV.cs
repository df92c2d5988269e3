namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// HoloV (obananas/HoloV 1d2e65e961): the tokens in 16 crops of consecutive ones; a crop's budget follows the mean of CLS attention and
/// variance of similarity inside it, a crop's choice follows CLS attention. As published, what a full crop
/// cannot use becomes zero rows at the end.
/// </summary>
internal static class HoloV
{
    private const double AttentionWeight = 1000;
    private const double VarianceWeight = 0.09;
    private const double Tiny = 1e-6;

    /// <summary>Chooses.</summary>
    /// <param name="attention">CLS attention of layer 22, mean over heads, [N].</param>
    /// <param name="features">Projected features, [N, D].</param>
    /// <param name="budget">n.</param>
    /// <param name="crops">Crops.</param>
    /// <returns>Crop by crop, by falling attention inside a crop; fewer than n where a crop was full
    /// (the code appends zero rows).</returns>
    public static int[] Select(double[] attention, RowMatrix features, int budget, int crops = 16)
    {
        ArgumentNullException.ThrowIfNull(attention);
        var units = RivalMath.Units(features, add: Tiny);
        var (starts, sizes) = Crops(attention.Length, crops);
        var weights = Weights(attention, (i, j) => RivalMath.Dot(units[i], units[j]), starts, sizes);
        var share = Array.ConvertAll(weights, w => (int)MathF.Floor((float)w * budget));
        var missing = budget - share.Sum();
        foreach (var crop in RivalMath.Falling(weights).Take(Math.Max(0, missing))) share[crop]++;
        return [.. Enumerable.Range(0, crops).SelectMany(c => Inside(attention, starts[c], sizes[c], share[c]))];
    }

    /// <summary>As <see cref="Select"/>, but what a full crop cannot use goes to the crops of the next largest
    /// weights: exactly n tokens, ascending.</summary>
    /// <param name="attention">CLS attention, [N].</param>
    /// <param name="similarity">Cosine of two tokens.</param>
    /// <param name="budget">n.</param>
    /// <param name="crops">Crops.</param>
    public static int[] SelectRepaired(double[] attention, Func<int, int, double> similarity, int budget, int crops = 16)
    {
        ArgumentNullException.ThrowIfNull(attention);
        crops = Math.Min(crops, attention.Length);
        var (starts, sizes) = Crops(attention.Length, crops);
        var weights = Weights(attention, similarity, starts, sizes);
        var share = new int[crops];
        for (var c = 0; c < crops; c++) share[c] = Math.Clamp((int)MathF.Floor((float)weights[c] * budget), 0, sizes[c]);
        var order = RivalMath.Falling(weights);
        for (var missing = budget - share.Sum(); missing > 0;)
        {
            foreach (var crop in order.Where(c => share[c] < sizes[c]).Take(missing).ToArray())
            {
                share[crop]++;
                missing--;
            }
        }

        return [.. Enumerable.Range(0, crops).SelectMany(c => Inside(attention, starts[c], sizes[c], share[c])).Order().Take(budget)];
    }

    private static IEnumerable<int> Inside(double[] attention, int start, int size, int share) => share >= size
        ? Enumerable.Range(start, size)
        : RivalMath.Falling(attention[start..(start + size)]).Take(share).Select(i => start + i);

    private static (int[] Starts, int[] Sizes) Crops(int count, int crops)
    {
        int[] sizes = [.. Enumerable.Range(0, crops).Select(c => count / crops + (c < count % crops ? 1 : 0))];
        return ([.. Enumerable.Range(0, crops).Select(c => sizes.Take(c).Sum())], sizes);
    }

    private static double[] Weights(double[] attention, Func<int, int, double> similarity, int[] starts, int[] sizes)
    {
        var scores = starts.Select((start, c) => Score(attention, similarity, start, sizes[c])).ToArray();
        var sum = scores.Sum() + Tiny;
        return Array.ConvertAll(scores, s => s / sum);
    }

    private static double Score(double[] attention, Func<int, int, double> similarity, int start, int size)
    {
        if (size < 2) return AttentionWeight * attention[start];
        var variances = new double[size];
        for (var i = 0; i < size; i++)
        {
            double[] row = [.. Enumerable.Range(0, size).Select(j => i == j ? 0 : similarity(start + i, start + j))];
            var mean = row.Sum() / (size - 1);
            variances[i] = row.Sum(s => (s - mean) * (s - mean)) / (size - 1);
        }

        var own = Enumerable.Range(0, size).Select(i => AttentionWeight * attention[start + i]).ToArray();
        var scale = own.Average(Math.Abs) / (variances.Average(Math.Abs) + Tiny);
        return own.Select((a, i) => a + VarianceWeight * variances[i] * scale).Average();
    }
}
