namespace D2Pruner.AI.Pruning;

/// <summary>Where in the forward pass a reduction happens.</summary>
public enum PruningPointKind
{
    /// <summary>On the visual embeddings, before they are merged into the prompt.</summary>
    VisionOutput,

    /// <summary>On the merged embeddings, before decoder layer 0 (K = 0).</summary>
    DecoderInput,

    /// <summary>After a decoder layer.</summary>
    AfterLayer,
}
