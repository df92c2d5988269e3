namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>FastV (pkunlp-icler/FastV): keeps the n tokens with the highest attention from the last prompt token at layer K-1. Ties: lower index.</summary>
public sealed class FastVTokenPruner : IVisualTokenPruner
{
    /// <summary>Creates the pruner; K and the budget are read from the settings.</summary>
    /// <exception cref="ArgumentException">K is 0.</exception>
    public FastVTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        PrunerGuard.AttentionLayer(settings, "fastv");
        Schedule = [new PruningStage(PruningPoint.AfterLayer(settings.LayersBeforePruning - 1), settings.Budget, PruningSignals.LastRowAttention)];
    }

    /// <inheritdoc/>
    public string Name => "fastv";

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The attention row is missing, has the wrong length or holds values that are not finite.</exception>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var scores = RelativeAttention.Compute(PrunerGuard.Row(context.Attention, context, "the attention row"), null);
        return new TokenReduction { Kept = ScoreOrder.Top(scores, context.Budget), Statistics = new SelectionStatistics { Scores = scores } };
    }
}
