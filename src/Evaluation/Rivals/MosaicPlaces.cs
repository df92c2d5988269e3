using D2Pruner.AI.Pruning.Baselines;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>Where tokens of views stand in LLaVA-NeXT's layout: the base view, then the mosaic without its padding.</summary>
internal static class MosaicPlaces
{
    /// <summary>Layout indices of tokens, ascending; those in the padding have none.</summary>
    public static int[] Of(TowerView view, TileGrid grid, IEnumerable<ViewToken> tokens)
    {
        var part = grid.Unpadded(view.Image.OriginalWidth, view.Image.OriginalHeight);
        var side = grid.Side;
        return [.. tokens.Select(t =>
        {
            if (t.View == 0) return t.Token;
            var y = (t.View - 1) / grid.Columns * side + t.Token / side - part.Top;
            var x = (t.View - 1) % grid.Columns * side + t.Token % side - part.Left;
            return y < 0 || x < 0 || y >= part.Rows || x >= part.Columns ? -1 : side * side + y * part.Columns + x;
        }).Where(i => i >= 0).Distinct().Order()];
    }
}
