namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>Tensor names of a decoder; <c>{0}</c> in a layer's name is the layer's number.</summary>
internal sealed record DecoderNames
{
    /// <summary>Prefix of everything but the head, with its dot.</summary>
    public required string Prefix { get; init; }

    /// <summary>Full name of the head.</summary>
    public required string Head { get; init; }

    /// <summary>Embedding.</summary>
    public string Embedding => Prefix + EmbeddingSuffix;

    /// <summary>Final norm.</summary>
    public string FinalNorm => Prefix + "norm.weight";

    /// <summary>Name of the embedding below the prefix.</summary>
    public string EmbeddingSuffix { get; init; } = "embed_tokens.weight";

    /// <summary>Query projection in a layer (without .weight or .bias).</summary>
    public string Query { get; init; } = "self_attn.q_proj";

    /// <summary>Key projection.</summary>
    public string Key { get; init; } = "self_attn.k_proj";

    /// <summary>Value projection.</summary>
    public string Value { get; init; } = "self_attn.v_proj";

    /// <summary>Fused projection, where the configuration has one.</summary>
    public string Fused { get; init; } = "attention.wqkv";

    /// <summary>Output projection.</summary>
    public string Output { get; init; } = "self_attn.o_proj";

    /// <summary>Norm before attention.</summary>
    public string InputNorm { get; init; } = "input_layernorm";

    /// <summary>Norm before the MLP.</summary>
    public string MlpNorm { get; init; } = "post_attention_layernorm";

    /// <summary>Gate projection.</summary>
    public string Gate { get; init; } = "mlp.gate_proj";

    /// <summary>Up projection.</summary>
    public string Up { get; init; } = "mlp.up_proj";

    /// <summary>Down projection.</summary>
    public string Down { get; init; } = "mlp.down_proj";

    /// <summary>Full name of a layer's tensor.</summary>
    public string Layer(int index, string name, string suffix = ".weight") => $"{Prefix}layers.{index}.{name}{suffix}";

    /// <summary>InternLM2's names (remote code).</summary>
    public static DecoderNames InternLm2(string prefix, string head) => new()
    {
        Prefix = prefix,
        Head = head,
        EmbeddingSuffix = "tok_embeddings.weight",
        Output = "attention.wo",
        InputNorm = "attention_norm",
        MlpNorm = "ffn_norm",
        Gate = "feed_forward.w1",
        Up = "feed_forward.w3",
        Down = "feed_forward.w2",
    };
}
