namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>FasterVLM (Theia-4869/FasterVLM f5d5f12037): the n patches of each view with the highest CLS attention, mean over
/// heads, of the tower's layer -2.</summary>
internal static class FasterVlm
{
    /// <summary>Chooses in one view.</summary>
    /// <param name="cls">CLS attention after softmax, [heads, 1 + N].</param>
    /// <param name="budget">n.</param>
    /// <returns>Patches, ascending.</returns>
    public static int[] Select(RowMatrix cls, int budget) => RivalMath.Top(RivalMath.MeanOfHeads(cls, 1), budget);

    /// <summary>Chooses in every view: the base in order, then the mosaic row by row; no unpadding, no newlines.</summary>
    /// <param name="cls">Per view CLS attention, [heads, 1 + N].</param>
    /// <param name="budget">n per view.</param>
    /// <param name="grid">The tiles; the repository takes <see cref="TileGrid.LargestFill"/>.</param>
    public static ViewToken[] SelectViews(IReadOnlyList<RowMatrix> cls, int budget, TileGrid grid)
    {
        ArgumentNullException.ThrowIfNull(cls);
        var kept = cls.SelectMany((c, view) => Select(c, budget).Select(t => new ViewToken(view, t))).ToHashSet();
        return [.. kept.Where(t => t.View == 0).OrderBy(t => t.Token), .. grid.Mosaic().Where(kept.Contains)];
    }
}
