namespace D2Pruner.AI.Pruning;

/// <summary>Checks what an algorithm answered and brings it into ascending order.</summary>
internal static class ReductionCheck
{
    /// <summary>The reduction with <see cref="TokenReduction.Kept"/> ascending and everything that is
    /// aligned to it reordered alike.</summary>
    /// <exception cref="InvalidOperationException">Wrong count, index out of range, duplicate, or merge weights
    /// or positions that do not fit.</exception>
    public static TokenReduction Sorted(IVisualTokenPruner pruner, TokenReduction reduction, int candidates, int budget)
    {
        if (reduction?.Kept is not { } kept) throw Invalid("no kept tokens");
        var merges = reduction.MergeWeights;
        if (merges is null ? kept.Length != budget : kept.Length < 1 || kept.Length > candidates)
            throw Invalid($"{kept.Length} kept tokens where {(merges is null ? $"exactly {budget}" : $"1 to {candidates}")} were expected");
        if (reduction.Positions is { } positions && positions.Length != kept.Length)
            throw Invalid($"{positions.Length} positions for {kept.Length} kept tokens");

        var order = Enumerable.Range(0, kept.Length).ToArray();
        Array.Sort((int[])kept.Clone(), order);
        for (var k = 0; k < order.Length; k++)
        {
            var token = kept[order[k]];
            if (token < 0 || token >= candidates) throw Invalid($"token {token}, outside 0..{candidates - 1}");
            if (k > 0 && token == kept[order[k - 1]]) throw Invalid($"token {token} twice");
        }
        foreach (var m in merges ?? [])
        {
            if (m.Output < 0 || m.Output >= kept.Length || m.Source < 0 || m.Source >= candidates || !float.IsFinite(m.Weight))
                throw Invalid($"merge weight {m}, outside {kept.Length} outputs and {candidates} sources or not finite");
        }

        var rank = new int[order.Length];
        for (var k = 0; k < order.Length; k++) rank[order[k]] = k;
        return new TokenReduction
        {
            Kept = Array.ConvertAll(order, o => kept[o]),
            MergeWeights = merges?.Select(m => m with { Output = rank[m.Output] }).ToArray(),
            Positions = reduction.Positions is { } p ? Array.ConvertAll(order, o => p[o]) : null,
            Statistics = reduction.Statistics,
        };

        InvalidOperationException Invalid(string what) => new($"Pruner '{pruner.Name}' returned {what}.");
    }
}
