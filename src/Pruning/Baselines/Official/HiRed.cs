namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// HiRED (hasanar1f/HiRED 502d6dd79a): a share of the budget for the whole image, the rest for the tiles in proportion to where the tower's
/// first layer looks; inside a view the patches of the highest CLS attention of layer 22. Both defects of the code are kept: tiles are
/// counted over runs of the base view's tokens rather than quadrants, and the tile grid's sides are exchanged.
/// </summary>
internal static class HiRed
{
    private const int Patches = TileGrid.PublishedSide * TileGrid.PublishedSide;

    /// <summary>LLaVA-1.5: the int(N rate) patches of the highest CLS attention.</summary>
    /// <param name="cls">CLS attention of layer 22, [heads, 1 + N].</param>
    /// <param name="rate">Share kept.</param>
    public static int[] Select(RowMatrix cls, double rate) => RivalMath.Top(RivalMath.MeanOfHeads(cls, 1), (int)((cls.Width - 1) * rate));

    /// <summary>LLaVA-NeXT.</summary>
    /// <param name="cls">Per view the CLS attention of layer 22, [heads, 577].</param>
    /// <param name="firstLayer">The base view's CLS attention of layer 0, [heads, 577].</param>
    /// <param name="rate">Share kept of all views' tokens.</param>
    /// <param name="alpha">Share of that for the base view.</param>
    /// <param name="width">Image width in pixels.</param>
    /// <param name="height">Image height in pixels.</param>
    /// <returns>What is left after unpadding, in output order; the choice per view; the tiles' budgets.</returns>
    public static (ViewToken[] Kept, int[][] PerView, int[] TileBudgets) SelectViews(
        IReadOnlyList<RowMatrix> cls, RowMatrix firstLayer, double rate, double alpha, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(cls);
        var tiles = cls.Count - 1;
        var total = (int)(cls.Count * Patches * rate);
        var forBase = Math.Min((int)(total * alpha), Patches);
        var forTiles = Math.Min(total - forBase, tiles * Patches);
        var counts = new int[tiles];
        foreach (var token in RivalMath.Top(RivalMath.MeanOfHeads(firstLayer, 1), (int)(Patches * (1 - alpha))))
            counts[Math.Min(token / (Patches / tiles), tiles - 1)]++;
        int[] budgets = [.. counts.Select(c => Math.Min(Patches, (int)((float)c / counts.Sum() * forTiles)))];
        int[][] perView = [.. cls.Select((c, view) => RivalMath.Top(RivalMath.MeanOfHeads(c, 1), view == 0 ? forBase : budgets[view - 1]))];

        var right = TileGrid.Llava(width, height);
        var exchanged = new TileGrid(right.Columns, right.Rows);
        var chosen = perView.SelectMany((kept, view) => kept.Select(t => new ViewToken(view, t))).ToHashSet();
        var mosaic = exchanged.Mosaic(exchanged.Unpadded(width, height)).Where(chosen.Contains);
        return ([.. perView[0].Select(t => new ViewToken(0, t)), .. mosaic], perView, budgets);
    }
}
