using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// DART with equal n ("dart-equal-n"): pivots are the 4 visual and the 4 text tokens with the largest L1 norm of their keys at layer K-1;
/// each in turn (visual before text, ascending) takes the tokens least similar to it (cosine of final-normed hidden states). The published
/// code keeps 4 + 8 * floor(n / 8) tokens in an order that depends on the prompt's prefix; here exactly n are kept. With fewer than 4 text
/// tokens there are fewer pivots, and n at or below the number of visual pivots keeps the n largest norms.
/// </summary>
internal sealed class DartTokenPruner : IVisualTokenPruner
{
    private const int PivotsPerKind = 4;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings; K at least 1.</param>
    /// <exception cref="ArgumentException">K is 0.</exception>
    public DartTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Schedule = [PruningStage.Single(
            PrunerRegistry.Complete(settings, Description),
            PruningSignals.Keys | PruningSignals.FinalNormedFeatures | PruningSignals.TextRows)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "dart",
        Summary = "Four visual and four text pivots by key norm; each takes the tokens least similar to it. Exactly n are kept " +
        "(published: 4 + 8 floor(n / 8)), pivots in ascending order.",
        Kind = PrunerKind.Rival,
        Source = "xqy1111111/DART",
        LeastLayers = 1,
        Create = (settings, _) => new DartTokenPruner(settings),
    };

    /// <inheritdoc/>
    public string Name => Description.Name;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A signal is missing or has the wrong shape.</exception>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var keys = PrunerGuard.Rows(context.Keys, context, "keys");
        var features = PrunerGuard.Rows(context.FinalNormed, context, "final-normed hidden states");
        if (context.TextKeys is not { } textKeys || context.TextFinalNormed is not { } textFeatures
            || textKeys.shape[0] != textFeatures.shape[0])
            throw new ArgumentException(
                "DART needs the text rows' keys and final-normed hidden states, as many of the one as of the other.", nameof(context));
        using var fullPrecision = FullPrecisionProducts.On(features.device);

        var visual = ScoreOrder.Top(Norms(keys), Math.Min(PivotsPerKind, context.Budget));
        var text = ScoreOrder.Top(Norms(textKeys), PivotsPerKind);
        var kept = new bool[PrunerGuard.Count(context)];
        foreach (var pivot in visual) kept[pivot] = true;

        var wanted = context.Budget - visual.Length;
        if (wanted > 0)
        {
            var units = Unit(features);
            var pivots = cat([Gather(units, visual), Gather(Unit(textFeatures), text)], 0);
            var similarity = pivots.matmul(units.t()).cpu().data<float>().ToArray();
            var count = visual.Length + text.Length;
            for (var p = 0; p < count; p++)
                TakeLeastSimilar(similarity.AsSpan(p * kept.Length, kept.Length), wanted / count + (p < wanted % count ? 1 : 0), kept);
        }
        return new TokenReduction { Kept = [.. Enumerable.Range(0, kept.Length).Where(i => kept[i])],
            Statistics = new SelectionStatistics { Pivots = visual.Length } };
    }

    private static void TakeLeastSimilar(ReadOnlySpan<float> similarity, int count, bool[] kept)
    {
        var scores = new float[similarity.Length];
        for (var i = 0; i < scores.Length; i++) scores[i] = -similarity[i];
        foreach (var token in ScoreOrder.Descending(scores))
        {
            if (count == 0) return;
            if (kept[token]) continue;
            kept[token] = true;
            count--;
        }
    }

    private static float[] Norms(Tensor keys) => keys.to(ScalarType.Float32).abs().sum(1).cpu().data<float>().ToArray();

    private static Tensor Unit(Tensor rows)
    {
        var full = rows.to(ScalarType.Float32);
        var squares = full.mul(full); // square() makes a Scalar in passing
        return full.div(squares.sum(1, keepdim: true).sqrt().clamp_min(Held.Shortest));
    }

    private static Tensor Gather(Tensor rows, int[] indices) =>
        rows.index_select(0, tensor(Array.ConvertAll(indices, i => (long)i)).MovedTo(rows.device));

    // Held because libtorch reads it; in a type of its own, so that the description can be read before libtorch is loaded.
    private static class Held
    {
        public static readonly Scalar Shortest = 1e-8;
    }
}
