namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// VisPruner (Theia-4869/VisPruner aefa01adc7): important patches by CLS attention, and of the rest those left after rounds that drop the 8
/// even places most similar to an odd one.
/// (The published code fails where the residual is odd; here a round simply has one more even place.)
/// </summary>
internal static class VisPruner
{
    private const int PerRound = 8;

    /// <summary>Chooses in one view.</summary>
    /// <param name="attention">CLS attention of layer 22, mean over heads, [N].</param>
    /// <param name="features">Tower features before the projector, [N, D].</param>
    /// <param name="budget">n.</param>
    /// <param name="importantRatio">Share of n for important patches.</param>
    /// <returns>Patches, ascending.</returns>
    public static int[] Select(double[] attention, RowMatrix features, int budget, double importantRatio)
    {
        var units = RivalMath.Units(features);
        return Select(attention, (i, j) => RivalMath.Dot(units[i], units[j]), budget, importantRatio);
    }

    internal static int[] Select(double[] attention, Func<int, int, double> cosine, int budget, double importantRatio)
    {
        ArgumentNullException.ThrowIfNull(attention);
        var order = RivalMath.Falling(attention);
        var important = (int)(budget * importantRatio);
        var rest = order[important..];
        var wanted = budget - important;
        if (wanted == 0) rest = [];
        while (rest.Length > wanted)
        {
            var drop = Math.Min(PerRound, rest.Length - wanted);
            int[] even = [.. rest.Where((_, i) => i % 2 == 0)], odd = [.. rest.Where((_, i) => i % 2 == 1)];
            drop = Math.Min(drop, even.Length);
            var nearest = Array.ConvertAll(even, a => odd.Length == 0 ? 0 : odd.Max(b => cosine(a, b)));
            rest = [.. RivalMath.Falling(nearest).Skip(drop).Select(i => even[i]), .. odd];
        }

        return [.. order.Take(important).Concat(rest).Order()];
    }
}
