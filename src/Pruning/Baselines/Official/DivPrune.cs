namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// DivPrune as published (vbdi/divprune 799e2d950a): farthest points by 1 - cosine at the decoder's input. Chosen tokens are not masked, so
/// one may be picked again where every distance is about 0. Position ids become contiguous.
/// </summary>
internal static class DivPrune
{
    /// <summary>n = int(round(ratio N)), ties to even.</summary>
    /// <param name="count">N.</param>
    /// <param name="ratio">The share kept.</param>
    public static int Count(int count, double ratio) => (int)Math.Round(ratio * count, MidpointRounding.ToEven);

    /// <summary>Chooses.</summary>
    /// <param name="features">Projected features of one image, [N, D]; newlines too where the model has them.</param>
    /// <param name="budget">n.</param>
    /// <returns>Indices in the order picked.</returns>
    public static int[] Select(RowMatrix features, int budget)
    {
        var units = RivalMath.Units(features);
        var count = features.Count;
        double[] Distances(int row) => Array.ConvertAll(units, u => 1 - RivalMath.Dot(units[row], u));
        var nearest = new double[count];
        for (var i = 0; i < count; i++) nearest[i] = SecondSmallest(Distances(i));
        var picked = new List<int>(budget);
        for (var k = 0; k < budget; k++)
        {
            var next = RivalMath.ArgMax(nearest);
            picked.Add(next);
            var distances = Distances(next);
            for (var i = 0; i < count; i++) nearest[i] = k == 0 ? distances[i] : Math.Min(nearest[i], distances[i]);
        }

        return [.. picked];
    }

    private static double SecondSmallest(double[] values)
    {
        var (first, second) = (double.PositiveInfinity, double.PositiveInfinity);
        foreach (var v in values)
        {
            if (double.IsNaN(v)) return v;
            if (v < first) (first, second) = (v, first);
            else if (v < second) second = v;
        }

        return second;
    }
}
