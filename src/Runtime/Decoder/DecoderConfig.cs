namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>Sizes and switches of a Llama-family decoder: Llama, Mistral, Qwen2 and InternLM2 differ only in these.</summary>
internal sealed record DecoderConfig
{
    /// <summary>D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the gated MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>L.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Channels of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Rows of the embedding and of the head.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Epsilon of RMSNorm.</summary>
    public required double RmsNormEps { get; init; }

    /// <summary>Base of the rotary embedding.</summary>
    public required double RopeTheta { get; init; }

    /// <summary>Longest sequence.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Channels per row of multimodal rotary positions, summing to HeadDim / 2; null for one-dimensional.</summary>
    public int[]? MropeSections { get; init; }

    /// <summary>Biases on q, k and v (Qwen2).</summary>
    public bool QkvBias { get; init; }

    /// <summary>Bias on the attention's output projection.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Biases in the MLP.</summary>
    public bool MlpBias { get; init; }

    /// <summary>The head reuses the embedding where the checkpoint has no head.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>q, k and v in one matrix, rows grouped by KV head (InternLM2's wqkv).</summary>
    public bool FusedQkv { get; init; }

    /// <summary>Activation of the gate.</summary>
    public string Activation { get; init; } = "silu";
}
