using D2Pruner.AI.Pruning.Baselines;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>GlobalCom2, for models with tiles.</summary>
internal static class GlobalCom2Rival
{
    /// <summary>The method.</summary>
    public static Rival Description { get; } = new()
    {
        Name = "globalcom2",
        Summary = "As published: n of the image's tokens spread over the base view and its tiles by CLS scores, a newline behind every " +
        "row of the mosaic on top; ids numbered anew.",
        WhyNot = (model, condition) => RivalLimits.Tiles(model, condition) ?? RivalLimits.PlainPositions(model),
        Input = Reduce,
    };

    private static InputRows Reduce(TowerView view, int keep)
    {
        var grid = view.Grid!.Value;
        var side = grid.Side;
        var candidates = view.Image.Grids.Sum(g => g.Rows * g.Columns);
        double[][] scores = [.. Enumerable.Range(0, view.Views).Select(v => view.ClsScores(v, view.Last))];
        var (first, mosaic, _) = GlobalCom2.Select(
            scores, Math.Min(1, (double)keep / candidates), grid, view.Image.OriginalWidth, view.Image.OriginalHeight);
        ViewToken[] tokens = [.. first.Select(t => new ViewToken(0, t)), .. mosaic.Where(t => t != ViewToken.None)];
        var rows = new float[tokens.Length * view.Features(0).Width];
        for (var i = 0; i < tokens.Length; i++)
            view.Features(tokens[i].View)[1 + tokens[i].Token].CopyTo(rows.AsSpan(i * view.Features(0).Width));
        var next = first.Length;
        int[] order = [.. Enumerable.Range(0, first.Length), .. mosaic.Select(t => t == ViewToken.None ? -1 : next++)];
        return new InputRows(new RowMatrix(rows, tokens.Length, view.Features(0).Width), MosaicPlaces.Of(view, grid, tokens))
        {
            Order = order,
        };
    }
}
