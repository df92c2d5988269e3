using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// DivPrune (vbdi/divprune): max-min diversity over D = 1 - cosine. The first token is the one whose nearest other token is farthest; then
/// each time the token farthest from all chosen ones; ties: lower index. Runs on the decoder's input, as published; an explicit K above 0 moves it to the
/// hidden states after layer K-1. Differs from the published code on purpose: no token is chosen twice, and positions are kept.
/// </summary>
public sealed class DivPruneTokenPruner : IVisualTokenPruner
{
    /// <summary>Creates the pruner; the budget and an explicit K are read from the settings.</summary>
    public DivPruneTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var point = settings is { LayersAreExplicit: true, LayersBeforePruning: > 0 } ? PruningPoint.AfterLayer(settings.LayersBeforePruning - 1) : PruningPoint.DecoderInput;
        Schedule = [new PruningStage(point, settings.Budget, PruningSignals.HiddenStates)];
    }

    /// <inheritdoc/>
    public string Name => "divprune";

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The hidden states are missing or have the wrong shape.</exception>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var features = PrunerGuard.Rows(context.HiddenStates, context, "hidden states");
        using var noGrad = no_grad();
        using var fullPrecision = FullPrecisionProducts.On(features.device);
        using var strips = new CosineStrips(features, SimilarityGraph.StripRows, 0);

        var chosen = new bool[strips.Count];
        var nearest = strips.LargestOffDiagonal(context.CancellationToken);
        var next = LeastSimilar(nearest, chosen);
        Array.Fill(nearest, float.NegativeInfinity);
        for (var k = 0; ; k++)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            chosen[next] = true;
            if (k + 1 == context.Budget) break;
            // The nearest chosen token is the one with the largest cosine.
            var cosines = strips.Row(next);
            for (var i = 0; i < nearest.Length; i++) nearest[i] = MathF.Max(nearest[i], cosines[i]);
            next = LeastSimilar(nearest, chosen);
        }
        return new TokenReduction { Kept = [.. Enumerable.Range(0, chosen.Length).Where(i => chosen[i])] };
    }

    private static int LeastSimilar(float[] similarity, bool[] chosen)
    {
        var best = -1;
        for (var i = 0; i < similarity.Length; i++)
        {
            if (!chosen[i] && (best < 0 || similarity[i] < similarity[best])) best = i;
        }
        return best;
    }
}
