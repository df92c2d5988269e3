namespace D2Pruner.AI.Pruning;

/// <summary>Pivots: the n_p = floor(pivot_ratio * n) tokens with the highest A_rel (specification step 6).</summary>
internal static class PivotSelection
{
    /// <summary>n_p, computed in double; rule R3 has no pivots.</summary>
    public static int Count(int budget, double pivotRatio, PivotRule rule) =>
        rule == PivotRule.R3 ? 0 : Math.Min(budget, (int)Math.Floor(pivotRatio * budget));

    /// <summary>Marks the pivots as taken: they are selected, and under R1 their neighbours leave the pool.</summary>
    public static void Take(ReadOnlySpan<int> order, int count, PivotRule rule, AdjacencyBits graph, CandidatePool pool)
    {
        foreach (var token in order[..count]) pool.Select(token);
        if (rule != PivotRule.R1) return;
        foreach (var token in order[..count]) pool.Exclude(graph.Row(token));
    }
}
