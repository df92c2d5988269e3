namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>A whole decoder as the decode step reads it: gated SiLU MLP, RMSNorm, half-split rotary embedding.</summary>
internal sealed class CpuDecoder
{
    /// <summary>D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Channels of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Epsilon of RMSNorm.</summary>
    public required float NormEps { get; init; }

    /// <summary>Token embeddings, [vocabulary, D]; a dense matrix.</summary>
    public required KernelMatrix Embedding { get; init; }

    /// <summary>The layers.</summary>
    public required CpuDecoderLayer[] Layers { get; init; }

    /// <summary>[D].</summary>
    public required float[] FinalNorm { get; init; }

    /// <summary>Hidden states to logits.</summary>
    public required KernelMatrix Head { get; init; }

    /// <summary>Logits of a row.</summary>
    public int Vocabulary => Head.Outputs;
}
