using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// The similarity graph of one image's visual tokens (specification steps 3 to 5): cosine of hidden states fused with the 8-neighbour grid.
/// The cosine matrix is walked in strips of its upper triangle and never stored whole: the first walk finds min and max, a second compares.
/// Strips are kept in between while they fit <see cref="ScratchBytes"/>, which spares the second product for all but huge images.
/// </summary>
internal sealed class SimilarityGraph : IDisposable
{
    /// <summary>Rows of a strip; a multiple of 64, so that a strip's first column starts a word of bits.</summary>
    public const int StripRows = 256;

    /// <summary>Most memory for strips kept from the first walk; besides these, one strip of StripRows x N fp32 lives at a time.</summary>
    public const long ScratchBytes = 24L << 20;

    private readonly CosineStrips _strips;
    private readonly List<(int I, int J)> _neighbours;
    private readonly float[] _neighbourCosines;

    private SimilarityGraph(CosineStrips strips, List<(int I, int J)> neighbours, CancellationToken cancellationToken)
    {
        (_strips, _neighbours) = (strips, neighbours);
        (Min, Max, _neighbourCosines) = strips.Scan(neighbours, cancellationToken);
        if (!float.IsFinite(Min) || !float.IsFinite(Max))
        {
            strips.Dispose();
            throw new NotFiniteNumberException(
                "The hidden states hold values that are not finite (overflow in half precision?); load the model in BFloat16 or Float32.");
        }
    }

    /// <summary>Smallest cosine of the matrix, diagonal included.</summary>
    public float Min { get; }

    /// <summary>Largest cosine of the matrix, diagonal included.</summary>
    public float Max { get; }

    /// <summary>The edges of the paper's rule, from hidden states.</summary>
    /// <param name="hiddenStates">[V, D], any floating type, on the device that does the work.</param>
    /// <param name="layout">The image's layout.</param>
    /// <param name="remaining">Layout indices of the rows, ascending; null for all.</param>
    /// <param name="alpha">Weight of semantic against spatial similarity, 0..1.</param>
    /// <param name="theta">Edge threshold, strict.</param>
    /// <param name="cancellationToken">Looked at before every strip.</param>
    /// <param name="scratchBytes">Most memory for kept strips (tests lower it).</param>
    /// <exception cref="ArgumentException">The shape does not fit the layout.</exception>
    /// <exception cref="NotFiniteNumberException">A hidden state is not finite.</exception>
    public static (AdjacencyBits Adjacency, float Min, float Max) Build(
        Tensor hiddenStates, VisualTokenLayout layout, int[]? remaining, double alpha, double theta,
        CancellationToken cancellationToken = default, long scratchBytes = ScratchBytes)
    {
        using var noGrad = no_grad();
        using var fullPrecision = FullPrecisionProducts.On(hiddenStates.device);
        using var graph = Open(hiddenStates, layout, remaining, alpha, cancellationToken, scratchBytes);
        return (graph.EdgesAt(alpha, theta, cancellationToken), graph.Min, graph.Max);
    }

    /// <summary>Computes the cosines; edges at one threshold or several come from <see cref="EdgesAt"/>. The parameters are
    /// those of <see cref="Build"/>.</summary>
    /// <exception cref="ArgumentException">The shape does not fit the layout.</exception>
    /// <exception cref="NotFiniteNumberException">A hidden state is not finite.</exception>
    public static SimilarityGraph Open(Tensor hiddenStates, VisualTokenLayout layout, int[]? remaining, double alpha,
        CancellationToken cancellationToken = default, long scratchBytes = ScratchBytes)
    {
        var count = remaining?.Length ?? layout.Count;
        var shape = hiddenStates.shape;
        if (shape.Length != 2 || shape[0] != count)
            throw new ArgumentException(
                $"Hidden states have shape [{string.Join(", ", shape)}]; [{count}, D] is expected for this image.", nameof(hiddenStates));
        // At alpha = 1 neighbourhood adds nothing.
        return new SimilarityGraph(
            new CosineStrips(hiddenStates, StripRows, scratchBytes), alpha < 1 ? SpatialNeighbours.Pairs(layout, remaining)
            : [], cancellationToken);
    }

    /// <summary>The edges at a threshold.</summary>
    /// <param name="alpha">Weight of semantic against spatial similarity, as at <see cref="Open"/>.</param>
    /// <param name="theta">Edge threshold, strict.</param>
    /// <param name="cancellationToken">Looked at before every strip.</param>
    /// <param name="again">True keeps what a further call needs.</param>
    public AdjacencyBits EdgesAt(double alpha, double theta, CancellationToken cancellationToken, bool again = false)
    {
        var rule = new FusedSimilarity(Min, Max, alpha, theta);
        var adjacency = new AdjacencyBits(_strips.Count);
        if (rule.FarBound() is { } bound)
        {
            if (float.IsNegativeInfinity(bound)) adjacency.Complete();
            else _strips.AddEdgesAbove(bound, adjacency, cancellationToken, keepStrips: again);
        }

        for (var p = 0; p < _neighbours.Count; p++)
        {
            if (rule.IsEdge(_neighbourCosines[p], true)) adjacency.Add(_neighbours[p].I, _neighbours[p].J);
        }

        return adjacency;
    }

    public void Dispose() => _strips.Dispose();
}
