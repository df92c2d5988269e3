namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// CDPruner (Theia-4869/CDPruner 9541616c40): a determinantal point process over projected features, conditional on relevance to the
/// question in CLIP's space. Needs a CLIP text tower, which no served checkpoint holds.
/// </summary>
internal static class CdPruner
{
    /// <summary>Relevance in (0, 1] per view and patch: the negated mean cosine to the text rows,
    /// min-max normalised over all views.</summary>
    /// <param name="images">Per view the patches in CLIP space, [N, D].</param>
    /// <param name="texts">The question's rows in CLIP space, [T, D].</param>
    public static double[][] Relevance(IReadOnlyList<RowMatrix> images, RowMatrix texts)
    {
        ArgumentNullException.ThrowIfNull(images);
        var text = RivalMath.Units(texts);
        double[][] relevance = [.. images.Select(v => Array.ConvertAll(RivalMath.Units(v), u => -text.Average(t => RivalMath.Dot(u, t))))];
        var (min, max) = (relevance.Min(r => r.Min()), relevance.Max(r => r.Max()));
        return [.. relevance.Select(view => Array.ConvertAll(view, r => (r - min + 1e-6) / (max - min)))];
    }

    /// <summary>Chooses in one view by the greedy maximum of the determinant of r_i cos_ij r_j.</summary>
    /// <param name="features">Projected features, [N, D].</param>
    /// <param name="relevance">Relevance of the view's patches, [N].</param>
    /// <param name="budget">n, below the rank of the features.</param>
    /// <returns>Patches, ascending.</returns>
    public static int[] Select(RowMatrix features, double[] relevance, int budget)
    {
        ArgumentNullException.ThrowIfNull(relevance);
        var units = RivalMath.Units(features);
        var map = new GreedyMap([.. relevance.Select((r, i) => r * r * RivalMath.Dot(units[i], units[i]))]);
        while (map.Count < budget && map.Best() is >= 0 and var next)
            map.Take(next, [.. relevance.Select((r, i) => relevance[next] * r * RivalMath.Dot(units[next], units[i]))]);
        return [.. map.Taken.Order()];
    }
}
