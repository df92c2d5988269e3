using System.Diagnostics;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// D²Pruner (arXiv 2512.19443): debiased importance (<see cref="RelativeAttention"/>), a hybrid similarity
/// graph, pivots and a greedy independent set.
/// One stage, after layer K-1, nothing merged.
/// </summary>
public sealed class D2TokenPruner : IVisualTokenPruner
{
    private readonly PruningSettings _settings;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings; K at least 1, alpha, theta and pivot ratio in 0..1.</param>
    /// <exception cref="ArgumentException">K is 0 (no layer precedes it, so there is no attention row)
    /// or a value is out of range.</exception>
    public D2TokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = PrunerRegistry.Complete(settings, Description);
        Schedule = [PruningStage.Single(_settings, PruningSignals.LastRowAttention | D2Parameters.FeatureSignal(_settings))];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "d2pruner",
        Summary = "Pivots of the highest debiased attention, then a greedy independent set on the hybrid similarity graph, then the rest " +
        "by attention.",
        Kind = PrunerKind.Method,
        Source = "D2Pruner, arXiv 2512.19443",
        LeastLayers = 1,
        UsesPrior = true,
        Parameters = [D2Parameters.Alpha, D2Parameters.Theta, D2Parameters.PivotRatio, D2Parameters.Rule, D2Parameters.Features],
        Create = (settings, _) => new D2TokenPruner(settings),
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
        var (graph, min, max) = Graph(context, features);
        var built = Stopwatch.GetTimestamp();
        var (kept, pivots, fill) = GreedyIndependentSet.Select(scores, graph, context.Budget, _settings.PivotRatio, _settings.Rule);
        return new TokenReduction
        {
            Kept = kept,
            Statistics = new SelectionStatistics
            {
                Pivots = pivots,
                Fill = fill,
                Edges = graph.Edges,
                MinSimilarity = min,
                MaxSimilarity = max,
                Scores = scores,
                GraphTime = Stopwatch.GetElapsedTime(start, built),
                SelectTime = Stopwatch.GetElapsedTime(built),
            },
        };
    }

    // The graph depends on the image and on alpha, theta and the features, never on the question: a further question about the image
    // finds it.
    private (AdjacencyBits Adjacency, float Min, float Max) Graph(PruningContext context, TorchSharp.torch.Tensor features)
    {
        (AdjacencyBits, float, float) Build() =>
            SimilarityGraph.Build(features, context.Layout, context.Remaining, _settings.Alpha, _settings.Theta, context.CancellationToken);

        if (context.Memo is not { } memo) return Build();
        var known = memo.GetOrAdd(
            $"graph|{_settings.Parameters.Text(D2Parameters.Features)}|{_settings.Alpha:R}|{_settings.Theta:R}", () => new Known(Build()),
            k => 8L * k.Graph.Adjacency.Count * k.Graph.Adjacency.WordsPerRow);
        return known.Graph;
    }

    private sealed record Known((AdjacencyBits Adjacency, float Min, float Max) Graph);
}
