namespace D2Pruner.AI.Runtime.Models.Llava;

/// <summary>Sizes of a CLIP vision tower (transformers' CLIPVisionConfig).</summary>
internal sealed record ClipVisionConfig(
    int HiddenSize, int IntermediateSize, int Layers, int Heads, int ImageSize, int PatchSize, string Activation, double LayerNormEps)
{
    /// <summary>Patches per side.</summary>
    public int Side => ImageSize / PatchSize;

    /// <summary>Patches of an image.</summary>
    public int Patches => Side * Side;

    /// <summary>Reads <c>vision_config</c>; absent keys take LLaVA's defaults (ViT-L/14 at 336).</summary>
    public static ClipVisionConfig Read(ConfigReader c)
    {
        c.OneOf("model_type", "clip_vision_model", "clip_vision_model");
        var hidden = c.Int("hidden_size", 1024, max: ConfigRange.Width);
        var heads = c.Int("num_attention_heads", 16, max: ConfigRange.Heads);
        c.Require(hidden % heads == 0, $"hidden_size {hidden} is not a multiple of num_attention_heads {heads}.");
        var (image, patch) = (c.Int("image_size", 336, max: ConfigRange.ImageSide), c.Int("patch_size", 14, max: ConfigRange.PatchSide));
        c.Require(patch <= image, $"patch_size {patch} is above image_size {image}: an image holds no patch.");
        c.Require(image / patch <= ConfigRange.Side,
            $"image_size {image} with patch_size {patch} makes {image / patch} patches per side; at most {ConfigRange.Side} are " +
            "supported.");
        return new ClipVisionConfig(
            hidden,
            c.Int("intermediate_size", 4096, max: ConfigRange.Intermediate),
            c.Int("num_hidden_layers", 24, max: ConfigRange.Layers),
            heads,
            image,
            patch,
            c.OneOf("hidden_act", "quick_gelu", "quick_gelu", "gelu"),
            c.Double("layer_norm_eps", 1e-5, 0, 1));
    }
}
