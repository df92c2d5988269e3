using D2Pruner.AI.Runtime.Decoder;

namespace D2Pruner.AI.Runtime.Models.Qwen25VL;

/// <summary>Sizes of Qwen2.5-VL's tower.</summary>
internal sealed record QwenVisionConfig(
    int HiddenSize, int IntermediateSize, int Layers, int Heads, int PatchSize, int MergeSize, int TemporalPatchSize, int WindowSize,
    int[] FullAttentionBlocks, int OutputSize, string Activation)
{
    /// <summary>Features of a patch.</summary>
    public int PatchFeatures => 3 * TemporalPatchSize * PatchSize * PatchSize;

    /// <summary>Merged units per window side.</summary>
    public int WindowUnits => Math.Max(1, WindowSize / MergeSize / PatchSize);
}

/// <summary>Qwen2.5-VL's configuration, flat (published) or nested (newer writers).</summary>
internal sealed record Qwen25VLConfig(DecoderConfig Text, QwenVisionConfig Vision, int ImageTokenId)
{
    /// <summary>Reads config.json.</summary>
    public static Qwen25VLConfig Read(ConfigReader c)
    {
        var outer = c.Has("text_config") ? c.Child("text_config") : c;
        var text = TextConfig.Read(outer, "qwen2_5_vl_text", c.Bool("tie_word_embeddings", outer.Bool("tie_word_embeddings", false)));
        c.Require(text.MropeSections is { } s && s.Length == 3 && s.Sum(n => (long)n) == text.HeadDim / 2,
            "mrope_section must hold three numbers that sum to half of head_dim.");
        var v = c.RequiredChild("vision_config");
        var hidden = v.Int("hidden_size", null, max: ConfigRange.Width);
        var heads = v.Int("num_heads", 16, max: ConfigRange.Heads);
        v.Require(hidden % heads == 0 && hidden / heads % 4 == 0,
            $"hidden_size {hidden} over {heads} heads gives no head that splits into row and column pairs.");
        var vision = new QwenVisionConfig(
            hidden,
            v.Int("intermediate_size", 3420, max: ConfigRange.Intermediate),
            v.Int("depth", 32, max: ConfigRange.Layers),
            heads,
            v.Int("patch_size", 14, max: ConfigRange.PatchSide),
            v.Int("spatial_merge_size", 2, max: ConfigRange.Merge),
            v.Int("temporal_patch_size", 2, max: ConfigRange.Frames),
            v.Int("window_size", 112, max: ConfigRange.ImageSide),
            v.Ints("fullatt_block_indexes", [7, 15, 23, 31]),
            v.Int("out_hidden_size", text.HiddenSize, max: ConfigRange.Width),
            v.OneOf("hidden_act", "silu", "silu", "gelu", "quick_gelu"));
        v.Require(vision.OutputSize == text.HiddenSize,
            $"out_hidden_size {vision.OutputSize} differs from the text model's hidden_size {text.HiddenSize}.");
        var image = c.Int("image_token_id", 151655, 0);
        c.Require(image < text.VocabularySize, $"image_token_id {image} is outside the vocabulary of {text.VocabularySize}.");
        return new Qwen25VLConfig(text, vision, image);
    }
}
