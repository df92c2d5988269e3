using System.Diagnostics;
using TorchSharp;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// D²Pruner with a theta ladder: rule R1, but where no token is available before n are selected, theta rises by a step, and a token is
/// available again if no selected token is adjacent to it at the new theta; the walk by relative attention starts over. At theta of 1 the
/// rest is filled by score. Where the paper's rule fills nothing, both choose the same. The cosines are computed once for all steps (twice
/// for images whose matrix exceeds the scratch memory).
/// </summary>
public sealed class D2LadderTokenPruner : IVisualTokenPruner
{
    private static readonly PrunerParameter Step =
        PrunerParameter.Number("ladder_step", 0.02, 0.001, 1, "By how much theta rises each time no token is available.");
    private readonly PruningSettings _settings;
    private readonly double _step;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings; K at least 1.</param>
    /// <exception cref="ArgumentException">K is 0, or a parameter is out of range.</exception>
    public D2LadderTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = PrunerRegistry.Complete(settings, Description);
        _step = _settings.Parameters.Number(Step);
        Schedule = [PruningStage.Single(_settings, PruningSignals.LastRowAttention | D2Parameters.FeatureSignal(_settings))];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "d2pruner-ladder",
        Summary = "D2Pruner (rule R1), but theta rises step by step where the independent set runs dry, so that diversity goes on " +
        "instead of filling by attention.",
        Kind = PrunerKind.Method,
        Source = "own rule; measured in docs/log.md",
        LeastLayers = 1,
        UsesPrior = true,
        Parameters = [D2Parameters.Alpha, D2Parameters.Theta, D2Parameters.PivotRatio, D2Parameters.Features, Step],
        Create = (settings, _) => new D2LadderTokenPruner(settings),
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
        var attention = PrunerGuard.Row(context.Attention, context, "the attention row");
        var features = D2Parameters.FeatureRows(_settings, context);
        var scores = RelativeAttention.Compute(attention, context.Prior);
        var start = Stopwatch.GetTimestamp();
        using var noGrad = torch.no_grad();
        using var fullPrecision = FullPrecisionProducts.On(features.device);
        using var graph = SimilarityGraph.Open(features, context.Layout, context.Remaining, _settings.Alpha, context.CancellationToken);
        var edges = graph.EdgesAt(_settings.Alpha, _settings.Theta, context.CancellationToken, again: true);
        var built = Stopwatch.GetTimestamp();
        var first = edges.Edges;
        var order = ScoreOrder.Descending(scores);
        var pivots = PivotSelection.Count(context.Budget, _settings.PivotRatio, PivotRule.R1);
        var pool = new CandidatePool(scores.Length);
        PivotSelection.Take(order, pivots, PivotRule.R1, edges, pool);
        for (var rung = 1; ; rung++)
        {
            GreedyIndependentSet.Walk(order, edges, context.Budget, pool);
            // From the first theta each time: sums of steps would drift.
            var theta = _settings.Theta + rung * _step;
            if (pool.Selected == context.Budget || theta >= 1) break;
            edges = graph.EdgesAt(_settings.Alpha, theta, context.CancellationToken, again: true);
            pool.Reopen(edges);
        }

        var fill = GreedyIndependentSet.Fill(order, context.Budget, pool);
        return new TokenReduction
        {
            Kept = pool.ToIndices(),
            Statistics = new SelectionStatistics
            {
                Pivots = pivots,
                Fill = fill,
                Edges = first,
                MinSimilarity = graph.Min,
                MaxSimilarity = graph.Max,
                Scores = scores,
                GraphTime = Stopwatch.GetElapsedTime(start, built),
                SelectTime = Stopwatch.GetElapsedTime(built),
            },
        };
    }
}
