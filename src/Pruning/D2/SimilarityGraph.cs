using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// The similarity graph of one image's visual tokens (specification steps 3 to 5): cosine of hidden states fused with the 8-neighbour grid.
/// The cosine matrix is walked in strips of its upper triangle and never stored whole: the first walk finds min and max, the second compares.
/// Strips are kept in between while they fit <see cref="ScratchBytes"/>, which spares the second product for all but huge images.
/// </summary>
internal sealed class SimilarityGraph
{
    /// <summary>Rows of a strip; a multiple of 64, so that a strip's first column starts a word of bits.</summary>
    public const int StripRows = 256;

    /// <summary>Most memory for strips kept from the first walk; besides these, one strip of StripRows x N fp32 lives at a time.</summary>
    public const long ScratchBytes = 24L << 20;

    private SimilarityGraph(AdjacencyBits adjacency, FusedSimilarity rule) =>
        (Adjacency, Min, Max, Edges) = (adjacency, rule.Min, rule.Max, adjacency.Edges);

    /// <summary>The edges.</summary>
    public AdjacencyBits Adjacency { get; }

    /// <summary>Smallest cosine of the matrix, diagonal included.</summary>
    public float Min { get; }

    /// <summary>Largest cosine of the matrix, diagonal included.</summary>
    public float Max { get; }

    /// <summary>Undirected edges.</summary>
    public long Edges { get; }

    /// <summary>Builds the graph.</summary>
    /// <param name="hiddenStates">[V, D], any floating type, on the device that does the work.</param>
    /// <param name="layout">The image's layout.</param>
    /// <param name="remaining">Layout indices of the rows, ascending; null for all.</param>
    /// <param name="alpha">Weight of semantic against spatial similarity, 0..1.</param>
    /// <param name="theta">Edge threshold, strict.</param>
    /// <param name="cancellationToken">Looked at before every strip.</param>
    /// <param name="scratchBytes">Most memory for kept strips (tests lower it).</param>
    /// <exception cref="ArgumentException">The shape does not fit the layout, or a hidden state is not finite.</exception>
    public static SimilarityGraph Build(Tensor hiddenStates, VisualTokenLayout layout, int[]? remaining, double alpha, double theta,
        CancellationToken cancellationToken = default, long scratchBytes = ScratchBytes)
    {
        var count = remaining?.Length ?? layout.Count;
        var shape = hiddenStates.shape;
        if (shape.Length != 2 || shape[0] != count)
            throw new ArgumentException($"Hidden states have shape [{string.Join(", ", shape)}]; [{count}, D] is expected for this image.", nameof(hiddenStates));

        using var noGrad = no_grad();
        using var fullPrecision = FullPrecisionProducts.On(hiddenStates.device);
        using var strips = new CosineStrips(hiddenStates, StripRows, scratchBytes);
        // At alpha = 1 neighbourhood adds nothing.
        var neighbours = alpha < 1 ? SpatialNeighbours.Pairs(layout, remaining) : [];
        var (min, max, neighbourCosines) = strips.Scan(neighbours, cancellationToken);
        if (!float.IsFinite(min) || !float.IsFinite(max))
            throw new ArgumentException("The hidden states hold values that are not finite (overflow in half precision?); run the model in bf16 or fp32.", nameof(hiddenStates));

        var rule = new FusedSimilarity(min, max, alpha, theta);
        var adjacency = new AdjacencyBits(count);
        if (rule.FarBound() is { } bound)
        {
            if (float.IsNegativeInfinity(bound)) adjacency.Complete();
            else strips.AddEdgesAbove(bound, adjacency, cancellationToken);
        }
        for (var p = 0; p < neighbours.Count; p++)
        {
            if (rule.IsEdge(neighbourCosines[p], true)) adjacency.Add(neighbours[p].I, neighbours[p].J);
        }
        return new SimilarityGraph(adjacency, rule);
    }
}
