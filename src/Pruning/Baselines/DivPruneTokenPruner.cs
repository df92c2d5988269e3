using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// DivPrune (vbdi/divprune): max-min diversity over D = 1 - cosine. The first token is the one whose nearest other token is farthest; then
/// each time the token farthest from all chosen ones; ties: lower index. Runs on the decoder's input, as published; an explicit K moves it
/// to the hidden states after layer K-1. Differs from the published code on purpose: no token is chosen twice, and positions are kept.
/// </summary>
internal sealed class DivPruneTokenPruner : IVisualTokenPruner
{
    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings.</param>
    /// <exception cref="ArgumentException">K is negative.</exception>
    public DivPruneTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Schedule = [PruningStage.Single(PrunerRegistry.Complete(settings, Description), PruningSignals.HiddenStates)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "divprune",
        Summary = "Max-min diversity of cosine distance, text-blind. No token is taken twice and separators are no candidates, unlike in " +
        "the published code.",
        Kind = PrunerKind.Rival,
        Source = "vbdi/divprune",
        Depth = PrunerDepth.AtInput,
        Create = (settings, _) => new DivPruneTokenPruner(settings),
    };

    /// <inheritdoc/>
    public string Name => Description.Name;

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
