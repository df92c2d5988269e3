namespace D2Pruner.AI.Pruning;

/// <summary>A point of the forward pass.</summary>
/// <param name="Kind">The kind of point.</param>
/// <param name="Layer">For <see cref="PruningPointKind.AfterLayer"/> the zero-based layer k whose output is
/// reduced (k = K-1); otherwise -1.</param>
public readonly record struct PruningPoint(PruningPointKind Kind, int Layer)
{
    /// <summary>On the visual embeddings.</summary>
    public static PruningPoint VisionOutput => new(PruningPointKind.VisionOutput, -1);

    /// <summary>Before decoder layer 0.</summary>
    public static PruningPoint DecoderInput => new(PruningPointKind.DecoderInput, -1);

    /// <summary>Before layer K, that is after K layers: the decoder's input for K = 0.</summary>
    /// <param name="layers">K, at least 0.</param>
    public static PruningPoint BeforeLayer(int layers) => layers == 0 ? DecoderInput : AfterLayer(layers - 1);

    /// <summary>After decoder layer <paramref name="layer"/> (zero-based).</summary>
    public static PruningPoint AfterLayer(int layer) => new(PruningPointKind.AfterLayer, layer);
}
