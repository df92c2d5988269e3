using System.Diagnostics;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// D²Pruner (arXiv 2512.19443): debiased importance (<see cref="RelativeAttention"/>), a hybrid similarity graph, pivots and a greedy independent set.
/// One stage, after layer K-1, nothing merged.
/// </summary>
public sealed class D2TokenPruner : IVisualTokenPruner
{
    private readonly PruningSettings _settings;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings; K at least 1, alpha, theta and pivot ratio in 0..1.</param>
    /// <exception cref="ArgumentException">K is 0 (no layer precedes it, so there is no attention row) or a value is out of range.</exception>
    public D2TokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        PrunerGuard.AttentionLayer(settings, "d2pruner");
        PrunerGuard.Unit(settings.Alpha, "alpha");
        PrunerGuard.Unit(settings.Theta, "theta");
        PrunerGuard.Unit(settings.PivotRatio, "pivot_ratio");
        if (!Enum.IsDefined(settings.Rule))
            throw new ArgumentException($"Rule '{settings.Rule}' is unknown; use R1, R2 or R3.", nameof(settings));
        _settings = settings;
        Schedule = [new PruningStage(PruningPoint.AfterLayer(settings.LayersBeforePruning - 1), settings.Budget, PruningSignals.LastRowAttention | PruningSignals.HiddenStates)];
    }

    /// <inheritdoc/>
    public string Name => "d2pruner";

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A signal is missing, has the wrong size or holds values that are not finite.</exception>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var attention = PrunerGuard.Row(context.Attention, context, "the attention row");
        var hidden = PrunerGuard.Rows(context.HiddenStates, context, "hidden states");
        var scores = RelativeAttention.Compute(attention, context.Prior);

        var start = Stopwatch.GetTimestamp();
        var graph = SimilarityGraph.Build(hidden, context.Layout, context.Remaining, _settings.Alpha, _settings.Theta, context.CancellationToken);
        var built = Stopwatch.GetTimestamp();
        var (kept, pivots, fill) = GreedyIndependentSet.Select(scores, graph.Adjacency, context.Budget, _settings.PivotRatio, _settings.Rule);
        return new TokenReduction
        {
            Kept = kept,
            Statistics = new SelectionStatistics
            {
                Pivots = pivots,
                Fill = fill,
                Edges = graph.Edges,
                MinSimilarity = graph.Min,
                MaxSimilarity = graph.Max,
                Scores = scores,
                GraphTime = Stopwatch.GetElapsedTime(start, built),
                SelectTime = Stopwatch.GetElapsedTime(built),
            },
        };
    }
}
