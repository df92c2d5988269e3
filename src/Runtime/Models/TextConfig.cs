using D2Pruner.AI.Runtime.Decoder;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>Library defaults of a text model's configuration, for the keys that sparse files leave out.</summary>
internal sealed record TextDefaults(
    int HiddenSize, int IntermediateSize, int Layers, int Heads, int? KvHeads, int VocabularySize, double RmsNormEps, double RopeTheta,
    int MaxPositions, bool QkvBias)
{
    /// <summary>Llama (transformers' LlamaConfig).</summary>
    public static TextDefaults Llama { get; } = new(4096, 11008, 32, 32, null, 32000, 1e-6, 10000, 2048, false);

    /// <summary>Mistral (MistralConfig).</summary>
    public static TextDefaults Mistral { get; } = new(4096, 14336, 32, 32, 8, 32000, 1e-6, 10000, 131072, false);

    /// <summary>Qwen2 (Qwen2Config).</summary>
    public static TextDefaults Qwen2 { get; } = new(4096, 22016, 32, 32, 32, 151936, 1e-6, 10000, 32768, true);

    /// <summary>The text part of Qwen2.5-VL (Qwen2_5_VLTextConfig): the largest model's.</summary>
    public static TextDefaults Qwen25VL { get; } = new(8192, 29568, 80, 64, 8, 152064, 1e-5, 1000000, 32768, true);

    /// <summary>InternLM2 (the remote code's InternLM2Config).</summary>
    public static TextDefaults InternLm2 { get; } = new(4096, 11008, 32, 32, null, 103168, 1e-6, 10000, 2048, false);

    /// <summary>Defaults by <c>model_type</c>, or null.</summary>
    public static TextDefaults? Find(string modelType) => modelType switch
    {
        "llama" => Llama,
        "mistral" => Mistral,
        "qwen2" => Qwen2,
        "qwen2_5_vl" or "qwen2_5_vl_text" => Qwen25VL,
        "internlm2" => InternLm2,
        _ => null,
    };
}

/// <summary>Reads a text model's configuration.</summary>
internal static class TextConfig
{
    /// <summary>Reads <paramref name="c"/> with the defaults of its <c>model_type</c>.</summary>
    /// <param name="c">The text configuration.</param>
    /// <param name="defaultType">The type when the file names none.</param>
    /// <param name="tied">Whether the head is tied to the embedding.</param>
    public static DecoderConfig Read(ConfigReader c, string defaultType, bool tied)
    {
        var type = c.Text("model_type", defaultType);
        var d = TextDefaults.Find(type) ?? TextDefaults.Llama;
        c.Require(TextDefaults.Find(type) is not null,
            $"model_type is '{type}'; supported text models are llama, mistral, qwen2, internlm2.");
        var hidden = c.Int("hidden_size", d.HiddenSize, max: ConfigRange.Width);
        var heads = c.Int("num_attention_heads", d.Heads, max: ConfigRange.Heads);
        var kv = c.Int("num_key_value_heads", d.KvHeads ?? heads, max: ConfigRange.Heads);
        var headDim = c.Int("head_dim", Math.Max(1, hidden / heads), max: ConfigRange.Width);
        c.Require(heads % kv == 0, $"num_attention_heads {heads} is not a multiple of num_key_value_heads {kv}.");
        c.Require(headDim % 2 == 0, $"head_dim {headDim} is odd; rotary embedding needs pairs.");
        var rope = c.Has("rope_parameters") ? c.Child("rope_parameters") : c;
        var scaling = c.Has("rope_scaling") ? c.Child("rope_scaling") : rope;
        var ropeType = scaling.Text("rope_type", scaling.Text("type", "default"));
        c.Require(ropeType is "default" or "mrope" or "dynamic",
            $"rope scaling '{ropeType}' is not supported; supported are default, mrope and dynamic (up to max_position_embeddings).");
        // Mistral's absent window means 4096, null means none; a context below the window makes it irrelevant.
        var maxPositions = c.Int("max_position_embeddings", d.MaxPositions, max: ConfigRange.Positions);
        if (type == "mistral" && !c.Json.TryGetProperty("sliding_window", out _)) maxPositions = Math.Min(maxPositions, 4096);
        if (c.Has("sliding_window") && (type == "mistral" || c.Bool("use_sliding_window", false)))
            maxPositions = Math.Min(maxPositions, c.Int("sliding_window", maxPositions, max: ConfigRange.Positions));
        var bias = type == "internlm2" ? c.Bool("bias", false) : c.Bool("attention_bias", d.QkvBias);
        return new DecoderConfig
        {
            HiddenSize = hidden,
            IntermediateSize = c.Int("intermediate_size", d.IntermediateSize, max: ConfigRange.Intermediate),
            Layers = c.Int("num_hidden_layers", d.Layers, max: ConfigRange.Layers),
            Heads = heads,
            KvHeads = kv,
            HeadDim = headDim,
            VocabularySize = c.Int("vocab_size", d.VocabularySize, max: ConfigRange.Vocabulary),
            RmsNormEps = c.Double("rms_norm_eps", d.RmsNormEps, 0, 1),
            RopeTheta = rope.Double("rope_theta", c.Double("rope_theta", d.RopeTheta, 1, 1e12), 1, 1e12),
            MaxPositions = maxPositions,
            MropeSections = scaling.Has("mrope_section") ? scaling.Ints("mrope_section", []) : null,
            QkvBias = bias,
            OutputBias = bias && (type is "llama" or "internlm2"),
            MlpBias = c.Bool("mlp_bias", false),
            TieWordEmbeddings = tied,
            FusedQkv = type == "internlm2",
            Activation = c.OneOf("hidden_act", "silu", "silu", "gelu", "relu"),
        };
    }
}
