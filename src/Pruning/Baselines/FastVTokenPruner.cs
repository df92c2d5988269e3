namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>FastV (pkunlp-icler/FastV): keeps the n tokens with the highest attention from the last prompt token at
/// layer K-1. Ties: lower index.</summary>
internal sealed class FastVTokenPruner : IVisualTokenPruner
{
    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings; K at least 1.</param>
    /// <exception cref="ArgumentException">K is 0.</exception>
    public FastVTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Schedule = [PruningStage.Single(PrunerRegistry.Complete(settings, Description), PruningSignals.LastRowAttention)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "fastv",
        Summary = "The tokens of the highest attention from the last prompt token.",
        Kind = PrunerKind.Rival,
        Source = "pkunlp-icler/FastV",
        LeastLayers = 1,
        Create = (settings, _) => new FastVTokenPruner(settings),
    };

    /// <inheritdoc/>
    public string Name => Description.Name;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The attention row is missing or has the wrong length.</exception>
    /// <exception cref="NotFiniteNumberException">The attention row holds values that are not finite.</exception>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var scores = RelativeAttention.Compute(PrunerGuard.Row(context.Attention, context, "the attention row"), null);
        return new TokenReduction { Kept = ScoreOrder.Top(scores, context.Budget),
            Statistics = new SelectionStatistics { Scores = scores } };
    }
}
