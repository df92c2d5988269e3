namespace D2Pruner.AI.Pruning;

/// <summary>Structural diversity: a greedy independent set on the similarity graph, then the fill rule (steps 7 and 8, A6, A7).</summary>
internal static class GreedyIndependentSet
{
    /// <summary>Selects exactly <paramref name="budget"/> tokens.</summary>
    /// <param name="scores">A_rel, [V].</param>
    /// <param name="graph">The graph over the V tokens.</param>
    /// <param name="budget">n, 1..V.</param>
    /// <param name="pivotRatio">Share of pivots, 0..1.</param>
    /// <param name="rule">How pivots and the set interact.</param>
    /// <returns>The kept tokens ascending, the number of pivots and of tokens taken by the fill rule.</returns>
    public static (int[] Kept, int Pivots, int Fill) Select(float[] scores, AdjacencyBits graph, int budget, double pivotRatio, PivotRule rule)
    {
        var order = ScoreOrder.Descending(scores);
        var pool = new CandidatePool(scores.Length);
        var pivots = PivotSelection.Count(budget, pivotRatio, rule);
        PivotSelection.Take(order, pivots, rule, graph, pool);

        // One walk suffices: a token that was unavailable once never becomes available again.
        for (var k = 0; k < order.Length && pool.Selected < budget; k++)
        {
            if (!pool.IsAvailable(order[k])) continue;
            pool.Select(order[k]);
            pool.Exclude(graph.Row(order[k]));
        }

        // The budget is an equality (Eq. 1): the rest by A_rel, edges ignored.
        var fill = budget - pool.Selected;
        for (var k = 0; k < order.Length && pool.Selected < budget; k++)
        {
            if (!pool.IsSelected(order[k])) pool.Select(order[k]);
        }
        return (pool.ToIndices(), pivots, fill);
    }
}
