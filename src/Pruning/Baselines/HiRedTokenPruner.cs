namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// HiRED in a served model: on one grid the tokens of the highest CLS attention; on base and mosaic a share of the budget for the base, the
/// rest for the mosaic. Of the published code for tiles, the split over tiles by the tower's first layer is left out, for a served tower
/// gives the CLS row of one layer. The published function is <see cref="HiRed"/>.
/// </summary>
internal sealed class HiRedTokenPruner : IVisualTokenPruner
{
    private static readonly PrunerParameter BaseShare =
        PrunerParameter.Number("base_share", 0.5, 0, 1, "Share of the budget for the whole image where there are tiles besides.");
    private readonly double _baseShare;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings.</param>
    /// <exception cref="ArgumentException">K is negative, or a parameter is out of range.</exception>
    public HiRedTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings = PrunerRegistry.Complete(settings, Description);
        _baseShare = settings.Parameters.Number(BaseShare);
        Schedule = [PruningStage.Single(settings, PruningSignals.VisionClsAttention)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "hired",
        Summary = "The highest CLS attention, a share of the budget for the base view (published: tiles by the tower's first layer, " +
        "which is left out here). Only for towers with a CLS token.",
        Kind = PrunerKind.Rival,
        Source = "hasanar1f/HiRED",
        Depth = PrunerDepth.AtInput,
        Parameters = [BaseShare],
        Create = (settings, _) => new HiRedTokenPruner(settings),
    };

    /// <inheritdoc/>
    public string Name => Description.Name;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There is no CLS attention.</exception>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var attention = PrunerGuard.Cls(context);
        var grids = GridRows.Of(context);
        var forBase = grids.Length == 1 ? context.Budget : Math.Min((int)(context.Budget * _baseShare), grids[0].Length);
        var rest = grids.Skip(1).Sum(g => g.Length);
        // What the tiles cannot use goes to the base: n is an equality.
        forBase = Math.Max(forBase, context.Budget - rest);
        int[] others = context.Budget > forBase
            ? BudgetSplit.Split(TokenBudget.OfTokens(context.Budget - forBase), [.. grids.Skip(1).Select(g => g.Length)])
            : new int[grids.Length - 1];
        return new TokenReduction { Kept = GridRows.Top(attention, grids, [forBase, .. others], context.Budget),
            Statistics = new SelectionStatistics { Scores = attention } };
    }
}
