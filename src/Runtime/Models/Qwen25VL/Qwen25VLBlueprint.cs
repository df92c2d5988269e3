using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.Qwen25VL;

/// <summary>Qwen2.5-VL (transformers' Qwen2_5_VLForConditionalGeneration).</summary>
internal sealed class Qwen25VLBlueprint : ModelBlueprint
{
    private readonly Qwen25VLConfig _config;
    private readonly Qwen2VLImageOptions _images;

    /// <summary>Reads a folder's configuration.</summary>
    /// <exception cref="CheckpointException">The configuration is wrong; the message lists everything.</exception>
    public Qwen25VLBlueprint(CheckpointFolder folder)
    {
        var reader = new ConfigReader(folder.Config);
        _config = Qwen25VLConfig.Read(reader);
        reader.ThrowIfBad(folder.Path);
        var c = new ConfigReader(folder.PreprocessorConfig, folder.PreprocessorName);
        var size = c.Child("size");
        _images = new Qwen2VLImageOptions
        {
            MinPixels = c.Int("min_pixels", size.Int("shortest_edge", 3136, max: ConfigRange.FewestPixels), max: ConfigRange.FewestPixels),
            MaxPixels = c.Int("max_pixels", size.Int("longest_edge", 1003520, max: ConfigRange.Pixels), max: ConfigRange.Pixels),
            PatchSize = _config.Vision.PatchSize,
            MergeSize = _config.Vision.MergeSize,
            TemporalPatchSize = _config.Vision.TemporalPatchSize,
            Normalizer = new PixelNormalizer(
                PreprocessorConfig.Triple(c, "image_mean", [0.48145466, 0.4578275, 0.40821073]),
                PreprocessorConfig.Triple(c, "image_std", [0.26862954, 0.26130258, 0.27577711]),
                PreprocessorConfig.RescaleFactor(c)),
        };
        PreprocessorConfig.RequireSteps(c);
        c.Require(c.Int("patch_size", _images.PatchSize) == _images.PatchSize
            && c.Int("merge_size", _images.MergeSize) == _images.MergeSize
            && c.Int("temporal_patch_size", _images.TemporalPatchSize) == _images.TemporalPatchSize,
            "patch_size, merge_size or temporal_patch_size differs from the tower's.");
        c.Require(_images.MinPixels <= _images.MaxPixels, $"min_pixels {_images.MinPixels} is above max_pixels {_images.MaxPixels}.");
        c.ThrowIfBad(folder.Path);
    }

    /// <inheritdoc/>
    public override string Family => "qwen2_5_vl";

    /// <inheritdoc/>
    public override DecoderConfig Text => _config.Text;

    /// <inheritdoc/>
    public override IChatTemplate Template { get; } = new QwenTemplate();

    /// <inheritdoc/>
    public override TensorNameMap Names { get; } = new(("model.visual.", "visual."), ("model.language_model.", "model."));

    /// <inheritdoc/>
    public override int? CalibrationSide => 24 * _images.PatchSize * _images.MergeSize;

    /// <inheritdoc/>
    public override DecoderWeights TakeDecoder(ITensorSource source) =>
        DecoderWeights.Take(source, Text, new DecoderNames { Prefix = "model.language_model.", Head = "lm_head.weight" });

    /// <inheritdoc/>
    public override IVisionTower TakeVision(ITensorSource source) => QwenVisionTower.Take(source, _config.Vision, "model.visual.");

    /// <inheritdoc/>
    public override IImageProcessor ImageProcessor(ImageFit fit) => new Qwen2VLImageProcessor(_images);

    /// <inheritdoc/>
    public override PromptEncoder PromptEncoder(ITokenizer tokenizer) =>
        new(tokenizer, Template, _config.ImageTokenId, null, new MropePositions());
}
