using D2Pruner.AI.Pruning.Baselines;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning.Experiments;

/// <summary>
/// A determinantal point process, maximised greedily: L_ij = w_i k_ij w_j with w = r^gamma (r: relative attention or likeness to the text,
/// min-max normalised) and k_ij the cosine of hidden states times a Gaussian of the distance on the grid (none across components). Each
/// step takes the token with the largest conditional variance (the fast greedy MAP of Chen, Zhang and Zhou, arXiv 1709.05135); where none
/// is left above 1e-12, the rest by relative attention.
/// </summary>
internal sealed class DppTokenPruner : IVisualTokenPruner
{
    private const double Exhausted = 1e-12;

    private static readonly PrunerParameter Relevance =
        PrunerParameter.Number("dpp_relevance", 1, 0, 8, "Exponent of relative attention in the kernel's quality; 0 is diversity alone.");

    private static readonly PrunerParameter GridSigma =
        PrunerParameter.Number("grid_sigma", 4, 0, 1000,
            "Width of the Gaussian of the grid distance, in cells; 0 leaves the distance out.");

    private static readonly PrunerParameter PivotShare =
        PrunerParameter.Number("pivot_share", 0, 0, 1, "Share of the budget that goes to the tokens of highest relative attention first.");

    private static readonly PrunerParameter Quality = PrunerParameter.Choice("quality", "attention", ["attention", "text"],
        "What counts as relevant: relative attention, or the mean cosine to the hidden states of the text behind the image.");

    private readonly bool _fromText;
    private readonly double _relevance;
    private readonly double _sigma;
    private readonly double _pivotShare;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings; K at least 1.</param>
    /// <exception cref="ArgumentException">K is 0, or a parameter is out of range.</exception>
    public DppTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings = PrunerRegistry.Complete(settings, Description);
        (_relevance, _sigma, _pivotShare) =
            (settings.Parameters.Number(Relevance), settings.Parameters.Number(GridSigma), settings.Parameters.Number(PivotShare));
        _fromText = settings.Parameters.Text(Quality) == "text";
        Schedule = [PruningStage.Single(
            settings, PruningSignals.LastRowAttention | PruningSignals.HiddenStates | (
                _fromText ? PruningSignals.TextRows : PruningSignals.None))];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "d2pruner-dpp",
        Summary = "A greedy determinantal point process: a power of relative attention as quality, cosine times a Gaussian of the grid " +
        "distance as similarity.",
        Kind = PrunerKind.Experiment,
        LeastLayers = 1,
        UsesPrior = true,
        Parameters = [Relevance, GridSigma, PivotShare, Quality],
        Create = (settings, _) => new DppTokenPruner(settings),
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
        using var noGrad = no_grad();
        using var fullPrecision = FullPrecisionProducts.On(hidden.device);
        using var strips = new CosineStrips(hidden, SimilarityGraph.StripRows, 0);
        var cells = Cells(context);
        var weights = RelevanceWeights.Normalized(_fromText ? ToText(hidden, context) : scores, _relevance);
        var order = ScoreOrder.Descending(scores);
        var pivots = (int)Math.Floor(_pivotShare * context.Budget);
        var selected = new GreedyMap(Array.ConvertAll(weights, w => w * w));
        while (selected.Count < context.Budget)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            var next = selected.Count < pivots ? order[selected.Count] : selected.Best(Exhausted);
            if (next < 0) break;
            var cosines = strips.Row(next);
            var row = new double[cosines.Length];
            for (var i = 0; i < row.Length; i++) row[i] = weights[next] * weights[i] * cosines[i] * Nearness(cells[next], cells[i]);
            selected.Take(next, row);
        }

        var kept = new CandidatePool(scores.Length);
        foreach (var token in selected.Taken) kept.Select(token);
        var fill = GreedyIndependentSet.Fill(order, context.Budget, kept);
        return new TokenReduction { Kept = kept.ToIndices(),
            Statistics = new SelectionStatistics { Pivots = pivots, Fill = fill, Scores = scores } };
    }

    private static float[] ToText(Tensor hidden, PruningContext context)
    {
        if (context.TextHiddenStates is not { } text || text.shape[0] == 0)
            throw new ArgumentException("This pruner needs the text rows' hidden states, at least one.", nameof(context));
        using var scope = NewDisposeScope();
        using var all = new CosineStrips(cat([hidden, text], 0), SimilarityGraph.StripRows, 0);
        var (images, mean) = ((int)hidden.shape[0], new float[hidden.shape[0]]);
        for (var t = images; t < all.Count; t++)
        {
            var cosines = all.Row(t);
            for (var i = 0; i < images; i++) mean[i] += cosines[i] / (all.Count - images);
        }

        return mean;
    }

    private double Nearness((int Grid, int Y, int X) a, (int Grid, int Y, int X) b)
    {
        if (_sigma == 0) return 1;
        if (a.Grid != b.Grid) return 0;
        double dy = a.Y - b.Y, dx = a.X - b.X;
        return Math.Exp(-(dy * dy + dx * dx) / (2 * _sigma * _sigma));
    }

    private static (int Grid, int Y, int X)[] Cells(PruningContext context)
    {
        (int Grid, int Y, int X)[] all =
            [.. context.Layout.Components.SelectMany(
                (c, g) => Enumerable.Range(0, c.Count).Select(i => (g, i / c.Columns, i % c.Columns)))];
        return context.Remaining is { } remaining ? Array.ConvertAll(remaining, r => all[r]) : all;
    }
}
