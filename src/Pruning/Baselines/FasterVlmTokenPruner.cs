namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// FasterVLM in a served model: per grid of the image the tokens of the highest CLS attention of the layer whose features the model reads;
/// the budget is split over the grids in proportion to their tokens (published: n per view). Needs a tower with a CLS token. The
/// published function is <see cref="FasterVlm"/>.
/// </summary>
internal sealed class FasterVlmTokenPruner : IVisualTokenPruner
{
    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings.</param>
    /// <exception cref="ArgumentException">K is negative.</exception>
    public FasterVlmTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Schedule = [PruningStage.Single(PrunerRegistry.Complete(settings, Description), PruningSignals.VisionClsAttention)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "fastervlm",
        Summary = "The tokens of the highest CLS attention of the vision tower, per grid (published: n per view, newlines dropped). Only " +
        "for towers with a CLS token (LLaVA).",
        Kind = PrunerKind.Rival,
        Source = "Theia-4869/FasterVLM",
        Depth = PrunerDepth.AtInput,
        Create = (settings, _) => new FasterVlmTokenPruner(settings),
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
        var budgets = BudgetSplit.Split(TokenBudget.OfTokens(context.Budget), [.. grids.Select(g => g.Length)]);
        return new TokenReduction { Kept = GridRows.Top(attention, grids, budgets, context.Budget),
            Statistics = new SelectionStatistics { Scores = attention } };
    }
}
