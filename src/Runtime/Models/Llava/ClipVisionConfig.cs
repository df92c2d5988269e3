namespace D2Pruner.AI.Runtime.Models.Llava;

/// <summary>Sizes of a CLIP vision tower (transformers' CLIPVisionConfig).</summary>
public sealed record ClipVisionConfig(int HiddenSize, int IntermediateSize, int Layers, int Heads, int ImageSize, int PatchSize, string Activation, double LayerNormEps)
{
    /// <summary>Patches per side.</summary>
    public int Side => ImageSize / PatchSize;

    /// <summary>Patches of a picture.</summary>
    public int Patches => Side * Side;

    /// <summary>Reads <c>vision_config</c>; absent keys take LLaVA's defaults (ViT-L/14 at 336).</summary>
    public static ClipVisionConfig Read(ConfigReader c)
    {
        c.OneOf("model_type", "clip_vision_model", "clip_vision_model");
        var hidden = c.Int("hidden_size", 1024);
        var heads = c.Int("num_attention_heads", 16);
        c.Require(hidden % heads == 0, $"hidden_size {hidden} is not a multiple of num_attention_heads {heads}.");
        return new ClipVisionConfig(
            hidden,
            c.Int("intermediate_size", 4096),
            c.Int("num_hidden_layers", 24),
            heads,
            c.Int("image_size", 336),
            c.Int("patch_size", 14),
            c.OneOf("hidden_act", "quick_gelu", "quick_gelu", "gelu"),
            c.Double("layer_norm_eps", 1e-5));
    }
}
