namespace D2Pruner.AI.Runtime;

/// <summary>Facts about a loaded model.</summary>
public sealed record VisionModelInfo
{
    /// <summary>Stable id; never a path.</summary>
    public required string Id { get; init; }

    /// <summary>Family name: <c>llava</c>, <c>llava_next</c>, <c>qwen2_5_vl</c>, <c>internvl</c>.</summary>
    public required string Family { get; init; }

    /// <summary>Folder it was loaded from.</summary>
    public required string Folder { get; init; }

    /// <summary>Largest number of prompt plus answer tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>L, the number of decoder layers.</summary>
    public required int DecoderLayers { get; init; }

    /// <summary>Parameters of the whole model.</summary>
    public required long Parameters { get; init; }

    /// <summary>Name of the weights' type as computed with, e.g. <c>bfloat16</c>, or <c>bfloat16+int4-g128</c>
    /// where the decoder's are quantized.</summary>
    public required string DType { get; init; }

    /// <summary>Device, e.g. <c>cpu</c> or <c>cuda:0</c>.</summary>
    public required string Device { get; init; }

    /// <summary>Layers K for which a prior lies beside the model; empty when there is none.</summary>
    public IReadOnlyList<int> PriorLayers { get; init; } = [];

    /// <summary>KV bytes of one token over all layers.</summary>
    public long KvBytesPerToken { get; init; }

    /// <summary>Whether the family's chat template can offer tools and write calls and results.</summary>
    public bool SupportsTools { get; init; }

    /// <summary>SHA-256 that tells this checkpoint from others; priors carry it.</summary>
    public string Fingerprint { get; init; } = new('0', 64);

    /// <summary>SHA-256 of the generic prompt as the chat template renders it; priors carry it.</summary>
    public string TemplateHash { get; init; } = "";
}
