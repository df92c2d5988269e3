using D2Pruner.AI.Pruning.Baselines;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>VisionZip: its README's shares (54 dominant tokens, the CLS row counted, to 10 contextual ones).</summary>
internal static class VisionZipRival
{
    /// <summary>The method.</summary>
    public static Rival Description { get; } = new()
    {
        Name = "visionzip",
        Summary = "As published: the CLS row and the patches of its highest attention, n in all with 10 of 64 merged from the rest; " +
        "ids numbered anew, for new tokens have no place.",
        WhyNot = (model, condition) => RivalLimits.Tower(model, condition) ?? RivalLimits.PlainPositions(model)
            ?? (condition.Keep < 2 ? "it keeps the CLS row and a merged token at least" : null),
        Input = Reduce,
    };

    /// <summary>Contextual tokens of n.</summary>
    public static int Contextual(int keep) => Math.Max(1, (int)Math.Round(keep * 10 / 64.0));

    private static InputRows Reduce(TowerView view, int keep)
    {
        if (view.Grid is { } grid) return OfTiles(view, grid, keep);
        var contextual = Contextual(keep);
        var reduced = VisionZip.Reduce(
            view.Cls(0, view.Read), view.Keys(0, view.Read), view.Features(0), view.Heads, keep - contextual, contextual);
        return new InputRows(reduced.Tokens, reduced.Dominant);
    }

    // n is shared by the views evenly: the repository's numbers are per view.
    private static InputRows OfTiles(TowerView view, TileGrid grid, int keep)
    {
        var perView = Math.Max(2, keep / view.Views);
        var contextual = Contextual(perView);
        var all = Enumerable.Range(0, view.Views).ToArray();
        var (sequence, tokens) = VisionZip.ReduceViews(
            [.. all.Select(v => view.Cls(v, view.Read))], [.. all.Select(v => view.Keys(v, view.Read))], [.. all.Select(view.Features)],
            view.Heads, perView - contextual, contextual, grid);
        return new InputRows(tokens, MosaicPlaces.Of(view, grid, sequence.Where(t => t.Token >= 0)));
    }
}
