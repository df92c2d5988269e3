namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>The rows of a context, grid by grid.</summary>
internal static class GridRows
{
    /// <summary>Row numbers of each component's candidates that are left; components without any are left out.</summary>
    public static int[][] Of(PruningContext context)
    {
        var ends = new List<int>();
        foreach (var component in context.Layout.Components) ends.Add((ends.Count > 0 ? ends[^1] : 0) + component.Count);
        var indices = context.Remaining ?? [.. Enumerable.Range(0, context.Layout.Count)];
        return [.. Enumerable.Range(0, indices.Length).GroupBy(r => ends.FindIndex(e => indices[r] < e)).Select(g => g.ToArray())];
    }

    /// <summary>In each grid its budget of the highest scores (ties: lower row); where grids are more than n, the highest
    /// of what that gave. Ascending.</summary>
    public static int[] Top(float[] scores, int[][] grids, int[] budgets, int n)
    {
        var chosen = grids.SelectMany((rows, g) => rows.OrderByDescending(r => scores[r]).ThenBy(r => r).Take(budgets[g]));
        return [.. chosen.OrderByDescending(r => scores[r]).ThenBy(r => r).Take(n).Order()];
    }
}
