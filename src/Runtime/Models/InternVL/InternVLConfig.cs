using D2Pruner.AI.Runtime.Decoder;

namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>Sizes and switches of InternViT.</summary>
/// <param name="HiddenSize">Width.</param>
/// <param name="IntermediateSize">Width of the MLP.</param>
/// <param name="Layers">Blocks.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="ImageSize">Side that the position table was made for.</param>
/// <param name="PatchSize">Side of a patch.</param>
/// <param name="Activation">Of the MLP.</param>
/// <param name="NormEps">Epsilon of the block norms.</param>
/// <param name="RmsNorm">RMS instead of layer norms (InternViT-6B).</param>
/// <param name="QkvBias">Biases on q, k and v; the output projection has one in any case.</param>
/// <param name="QkNorm">RMS norm over the whole width of q and k before the heads are split (InternViT-6B).</param>
internal sealed record InternVisionConfig(
    int HiddenSize, int IntermediateSize, int Layers, int Heads, int ImageSize, int PatchSize, string Activation, double NormEps,
        bool RmsNorm, bool QkvBias, bool QkNorm)
{
    /// <summary>Patches per side of the position table.</summary>
    public int Side => ImageSize / PatchSize;

    internal static InternVisionConfig Read(ConfigReader c, string biasKey, string qkNormKey)
    {
        var hidden = c.Int("hidden_size", 1024, max: ConfigRange.Width);
        var heads = c.Int("num_attention_heads", 16, max: ConfigRange.Heads);
        c.Require(hidden % heads == 0, $"hidden_size {hidden} is not a multiple of num_attention_heads {heads}.");
        var (image, patch) = (c.Ints("image_size", [448]), c.Ints("patch_size", [14]));
        var square = image.Concat(patch).All(s => s is > 0 and <= ConfigRange.ImageSide) && image.All(s => s == image[0])
            && patch.All(s => s == patch[0]) && image[0] % patch[0] == 0 && image[0] / patch[0] <= ConfigRange.Side;
        c.Require(square, $"image_size [{string.Join(", ", image)}] with patch_size [{string.Join(", ", patch)}]; expected squares of at " +
            $"most {ConfigRange.ImageSide}, the first a multiple of the second, with at most {ConfigRange.Side} patches per side.");
        return new InternVisionConfig(
            hidden,
            c.Int("intermediate_size", 4096, max: ConfigRange.Intermediate),
            c.Int("num_hidden_layers", 24, max: ConfigRange.Layers),
            heads,
            square ? image[0] : 448,
            square ? patch[0] : 14,
            c.OneOf("hidden_act", "gelu", "gelu", "quick_gelu", "silu"),
            c.Double("layer_norm_eps", 1e-6, 0, 1),
            c.OneOf("norm_type", "layer_norm", "layer_norm", "rms_norm") == "rms_norm",
            c.Bool(biasKey, biasKey == "qkv_bias"),
            c.Bool(qkNormKey, false));
    }
}

/// <summary>InternVL's configuration, of the remote-code form (<c>internvl_chat</c>) or the Hugging
/// Face-native one (<c>internvl</c>).</summary>
/// <param name="Text">The decoder.</param>
/// <param name="Vision">The tower.</param>
/// <param name="FeatureLayer">Hidden state of the tower that is used; negative ones count from the end.</param>
/// <param name="Merge">Patches per side that become one token (1 / downsample_ratio).</param>
/// <param name="Transposed">Pixel shuffle v1: the token grid comes out transposed.</param>
/// <param name="ProjectorActivation">Activation of the projector.</param>
internal sealed record InternVLConfig(
    DecoderConfig Text, InternVisionConfig Vision, int FeatureLayer, int Merge, bool Transposed, string ProjectorActivation)
{
    /// <summary>Width of the projector's input.</summary>
    public int ProjectorInput => Vision.HiddenSize * Merge * Merge;

    /// <summary>Reads config.json of remote-code checkpoints.</summary>
    public static InternVLConfig ReadRemote(ConfigReader c)
    {
        c.OneOf("template", "internvl2_5", "internvl2_5");
        var llm = c.RequiredChild("llm_config");
        var architecture = llm.Json.TryGetProperty("architectures", out var a) && a.ValueKind == System.Text.Json.JsonValueKind.Array
            && a.GetArrayLength() > 0 ? a[0].ToString() : "";
        // InternVLChatConfig overrules the text model: its head is never tied.
        var text = TextConfig.Read(
            llm, architecture.StartsWith("InternLM2", StringComparison.Ordinal) ? "internlm2" : "qwen2", tied: false);
        return Create(c, text, InternVisionConfig.Read(c.RequiredChild("vision_config"), "qkv_bias", "qk_normalization"),
            c.Ints("select_layer", [-1]).FirstOrDefault(), "gelu", "v1");
    }

    /// <summary>Reads config.json of Hugging Face-native checkpoints.</summary>
    public static InternVLConfig ReadNative(ConfigReader c)
    {
        var inner = c.RequiredChild("text_config");
        // Writers say it in either place; a head in the file counts in any case.
        var text = TextConfig.Read(inner, "qwen2", c.Bool("tie_word_embeddings", false) | inner.Bool("tie_word_embeddings", false));
        c.OneOf("vision_feature_select_strategy", "default", "default");
        var layer = c.Ints("vision_feature_layer", [-1]);
        c.Require(layer.Length == 1, "vision_feature_layer names several layers; one is supported.");
        return Create(c, text, InternVisionConfig.Read(c.RequiredChild("vision_config"), "attention_bias", "use_qk_norm"), layer[0],
            c.OneOf("projector_hidden_act", "gelu", "gelu", "silu", "relu"), "v2");
    }

    // Pixel shuffle where the file is silent: each class has a default of its own.
    private static InternVLConfig Create(
        ConfigReader c, DecoderConfig text, InternVisionConfig vision, int layer, string activation, string shuffle)
    {
        c.Require(layer is not 0 && layer >= -vision.Layers && layer <= vision.Layers,
            $"the feature layer {layer} is none of the tower's {vision.Layers} layers.");
        var ratio = c.Double("downsample_ratio", 0.5, 1.0 / ConfigRange.Merge, 1);
        var merge = (int)Math.Round(1 / ratio);
        c.Require(ratio > 0 && Math.Abs(merge * ratio - 1) < 1e-9 && vision.Side % merge == 0,
            $"downsample_ratio {ratio} does not divide the {vision.Side} patches of a side.");
        return new InternVLConfig(text, vision, layer, Math.Max(1, merge), c.OneOf("ps_version", shuffle, "v1", "v2") == "v1", activation);
    }
}
