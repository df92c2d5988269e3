using TorchSharp;

namespace D2Pruner.AI.Pruning.Experiments;

/// <summary>
/// Pivots and farthest points: n_p tokens of the highest relative attention first, then each time the token with the largest r^gamma d,
/// where d is the cosine distance to the nearest chosen token and r the relative attention over its maximum. Without pivots the first token
/// is the one of the highest score; gamma = 0 is plain max-min diversity around the pivots.
/// </summary>
internal sealed class MaxMinTokenPruner : IVisualTokenPruner
{
    private static readonly PrunerParameter PivotShare =
        PrunerParameter.Number("pivot_share", 0.2, 0, 1,
            "Share of the budget that goes to the tokens of highest relative attention first.");

    private static readonly PrunerParameter Relevance =
        PrunerParameter.Number("relevance", 0.25, 0, 8,
            "Exponent of relative attention (over its maximum) in the trade-off with diversity; 0 is diversity alone.");

    private readonly double _pivotShare;
    private readonly double _relevance;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings; K at least 1.</param>
    /// <exception cref="ArgumentException">K is 0, or a parameter is out of range.</exception>
    public MaxMinTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings = PrunerRegistry.Complete(settings, Description);
        (_pivotShare, _relevance) = (settings.Parameters.Number(PivotShare), settings.Parameters.Number(Relevance));
        Schedule = [PruningStage.Single(settings, PruningSignals.LastRowAttention | PruningSignals.HiddenStates)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "d2pruner-maxmin",
        Summary = "A few pivots by relative attention, then the token with the largest product of a power of relative attention and the " +
        "distance to the nearest chosen one.",
        Kind = PrunerKind.Experiment,
        LeastLayers = 1,
        UsesPrior = true,
        Parameters = [PivotShare, Relevance],
        Create = (settings, _) => new MaxMinTokenPruner(settings),
    };

    /// <inheritdoc/>
    public string Name => Description.Name;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A signal is missing or has the wrong size.</exception>
    /// <exception cref="NotFiniteNumberException">A signal holds values that are not finite.</exception>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var scores = RelativeAttention.Compute(PrunerGuard.Row(context.Attention, context, "the attention row"), context.Prior);
        var hidden = PrunerGuard.Rows(context.HiddenStates, context, "hidden states");
        using var noGrad = torch.no_grad();
        using var fullPrecision = FullPrecisionProducts.On(hidden.device);
        using var strips = new CosineStrips(hidden, SimilarityGraph.StripRows, 0);
        var weights = RelevanceWeights.Of(scores, _relevance);
        var order = ScoreOrder.Descending(scores);
        var pivots = Math.Max(1, (int)Math.Floor(_pivotShare * context.Budget));
        var chosen = new bool[scores.Length];
        var nearest = new float[scores.Length];
        Array.Fill(nearest, float.NegativeInfinity);
        for (var k = 0; k < context.Budget; k++)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            var next = k < pivots ? order[k] : Farthest(nearest, weights, chosen);
            chosen[next] = true;
            var cosines = strips.Row(next);
            for (var i = 0; i < nearest.Length; i++) nearest[i] = MathF.Max(nearest[i], cosines[i]);
        }

        return new TokenReduction
        {
            Kept = [.. Enumerable.Range(0, chosen.Length).Where(i => chosen[i])],
            Statistics = new SelectionStatistics { Pivots = pivots, Scores = scores },
        };
    }

    private static int Farthest(float[] nearest, double[] weights, bool[] chosen)
    {
        var (best, value) = (-1, double.NegativeInfinity);
        for (var i = 0; i < nearest.Length; i++)
        {
            var gain = weights[i] * Math.Max(0, 1.0 - nearest[i]);
            if (!chosen[i] && (best < 0 || gain > value)) (best, value) = (i, gain);
        }

        return best;
    }
}
