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
    public static (int[] Kept, int Pivots, int Fill) Select(
        float[] scores, AdjacencyBits graph, int budget, double pivotRatio, PivotRule rule)
    {
        var order = ScoreOrder.Descending(scores);
        var pool = new CandidatePool(scores.Length);
        var pivots = PivotSelection.Count(budget, pivotRatio, rule);
        PivotSelection.Take(order, pivots, rule, graph, pool);

        Walk(order, graph, budget, pool);
        var fill = Fill(order, budget, pool);
        return (pool.ToIndices(), pivots, fill);
    }

    /// <summary>Takes available tokens in order, each with its neighbours out of the pool, until the budget is
    /// reached or none is available.</summary>
    public static void Walk(int[] order, AdjacencyBits graph, int budget, CandidatePool pool)
    {
        // One walk suffices: a token that was unavailable once never becomes available again.
        for (var k = 0; k < order.Length && pool.Selected < budget; k++)
        {
            if (!pool.IsAvailable(order[k])) continue;
            pool.Select(order[k]);
            pool.Exclude(graph.Row(order[k]));
        }
    }

    /// <summary>The budget is an equality (Eq. 1): takes the rest in order, edges ignored; returns how many.</summary>
    public static int Fill(int[] order, int budget, CandidatePool pool)
    {
        var fill = budget - pool.Selected;
        for (var k = 0; k < order.Length && pool.Selected < budget; k++)
        {
            if (!pool.IsSelected(order[k])) pool.Select(order[k]);
        }

        return fill;
    }
}
