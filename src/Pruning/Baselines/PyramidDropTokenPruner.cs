namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// PyramidDrop in a served model: after a quarter, a half and three quarters of the layers the tokens to which the last prompt token
/// attends most, 4 n, 2 n and n of them (published: a half, a quarter and an eighth, that is a keep ratio of 1/8). The row is that of the
/// layer before the stage (published: of the layer behind it, over its input), as a served model computes it anyway. The
/// published function is <see cref="PyramidDrop"/>.
/// </summary>
internal sealed class PyramidDropTokenPruner : IVisualTokenPruner
{
    private static readonly int[] Factors = [4, 2, 1];

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings; K is not used.</param>
    /// <param name="decoderLayers">L; at least 4.</param>
    /// <exception cref="ArgumentException">The decoder has fewer than 4 layers.</exception>
    public PyramidDropTokenPruner(PruningSettings settings, int decoderLayers)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (decoderLayers <= Factors.Length)
            throw new ArgumentException(
                $"'pyramiddrop' needs a decoder of at least {Factors.Length + 1} layers; this one has {decoderLayers}.",
                nameof(decoderLayers));
        settings = PrunerRegistry.Complete(settings, Description);
        Schedule = [.. Factors.Select((factor, s) => new PruningStage(
            PruningPoint.BeforeLayer(decoderLayers * (s + 1) / (Factors.Length + 1)), Times(PruningStage.BudgetOf(settings), factor),
                PruningSignals.LastRowAttention, PruningStage.IsReindexed(settings)))];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "pyramiddrop",
        Summary = "Three stages over the decoder, 4 n, 2 n and n tokens by the last prompt token's attention (published: by the queries " +
        "and keys of the next layer).",
        Kind = PrunerKind.Rival,
        Source = "Cooperx521/PyramidDrop",
        Depth = PrunerDepth.OwnStages,
        Create = (settings, layers) => new PyramidDropTokenPruner(settings, layers),
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

    private static TokenBudget Times(TokenBudget budget, int factor) => budget switch
    {
        { Tokens: { } tokens } => TokenBudget.OfTokens((int)Math.Min((long)tokens * factor, int.MaxValue)),
        { Ratio: { } ratio } => TokenBudget.OfRatio(Math.Min(1, ratio * factor)) with { ToNearest = budget.ToNearest },
        _ => budget,
    };
}
