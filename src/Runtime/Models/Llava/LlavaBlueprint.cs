using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.Llava;

/// <summary>LLaVA-1.5 (transformers' LlavaForConditionalGeneration).</summary>
internal sealed class LlavaBlueprint : ModelBlueprint
{
    private readonly LlavaConfig _config;
    private readonly LlavaImageOptions _images;

    /// <summary>Reads a folder's configuration.</summary>
    /// <exception cref="CheckpointException">The configuration is wrong; the message lists everything.</exception>
    public LlavaBlueprint(CheckpointFolder folder)
    {
        var reader = new ConfigReader(folder.Config);
        _config = LlavaConfig.Read(reader);
        reader.ThrowIfBad(folder.Path);
        _images = ReadImages(folder, _config.Vision) with { ClassTokens = _config.DropCls ? 0 : 1 };
    }

    /// <inheritdoc/>
    public override string Family => "llava";

    /// <inheritdoc/>
    public override DecoderConfig Text => _config.Text;

    /// <inheritdoc/>
    public override IChatTemplate Template { get; } = new LlavaTemplate();

    /// <inheritdoc/>
    public override TensorNameMap Names { get; } = TensorNameMap.VisionLanguage();

    /// <inheritdoc/>
    public override DecoderWeights TakeDecoder(ITensorSource source) =>
        DecoderWeights.Take(source, Text, new DecoderNames { Prefix = "model.language_model.", Head = "lm_head.weight" });

    /// <inheritdoc/>
    public override IVisionTower TakeVision(ITensorSource source) => LlavaVisionTower.Take(source, _config);

    /// <inheritdoc/>
    public override IImageProcessor ImageProcessor(ImageFit fit) => new LlavaImageProcessor(fit switch
    {
        ImageFit.Crop => _images with { PadToSquare = false },
        ImageFit.Pad => _images with { PadToSquare = true },
        _ => _images,
    });

    /// <inheritdoc/>
    public override PromptEncoder PromptEncoder(ITokenizer tokenizer) =>
        new(tokenizer, Template, _config.ImageTokenId, null, new SequentialPositions());

    private static LlavaImageOptions ReadImages(CheckpointFolder folder, ClipVisionConfig vision)
    {
        var c = new ConfigReader(folder.PreprocessorConfig, folder.PreprocessorName);
        var common = PreprocessorConfig.Read(c, vision.ImageSize);
        c.Require(common.CropSize == vision.ImageSize,
            $"the processor crops to {common.CropSize}, but the tower takes {vision.ImageSize}.");
        var pad = c.Text("image_processor_type", "").StartsWith("LlavaImageProcessor", StringComparison.Ordinal) && c.Bool("do_pad", false);
        c.ThrowIfBad(folder.Path);
        return new LlavaImageOptions
        {
            ShortestEdge = common.ShortestEdge,
            ExactSize = common.ExactSize,
            CropSize = common.CropSize,
            PatchSize = vision.PatchSize,
            PadToSquare = pad,
            Normalizer = common.Normalizer,
            PadColour = [.. common.Mean.Select(m => (byte)(m * 255))],
        };
    }
}
