using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>InternVL in its Hugging Face-native form (transformers' InternVLForConditionalGeneration).</summary>
internal sealed class InternVLBlueprint : ModelBlueprint
{
    private readonly InternVLConfig _config;
    private readonly InternVLImageOptions _images;
    private readonly int? _imageId;

    /// <summary>Reads a folder's configuration.</summary>
    /// <exception cref="CheckpointException">The configuration is wrong; the message lists everything.</exception>
    public InternVLBlueprint(CheckpointFolder folder)
    {
        var reader = new ConfigReader(folder.Config);
        var processor = new ConfigReader(folder.PreprocessorConfig, folder.PreprocessorName);
        _config = InternVLConfig.ReadNative(reader);
        _images = InternVLImageOptions.Read(reader, processor);
        _imageId = reader.Has("image_token_id") ? reader.Int("image_token_id", 0, 0) : null;
        reader.Require(_imageId is null || _imageId < _config.Text.VocabularySize,
            $"image_token_id {_imageId} is outside the vocabulary of {_config.Text.VocabularySize}.");
        reader.ThrowIfBad(folder.Path);
        processor.ThrowIfBad(folder.Path);
    }

    /// <inheritdoc/>
    public override string Family => "internvl";

    /// <inheritdoc/>
    public override DecoderConfig Text => _config.Text;

    /// <inheritdoc/>
    public override IChatTemplate Template { get; } = new InternVLHfTemplate();

    /// <inheritdoc/>
    public override TensorNameMap Names { get; } = TensorNameMap.VisionLanguage();

    /// <inheritdoc/>
    public override int? CalibrationSide => 3 * _images.ImageSize;

    /// <inheritdoc/>
    public override DecoderWeights TakeDecoder(ITensorSource source) =>
        DecoderWeights.Take(source, Text, new DecoderNames { Prefix = "model.language_model.", Head = "lm_head.weight" });

    /// <inheritdoc/>
    public override IVisionTower TakeVision(ITensorSource source) => InternVisionTower.Take(source, _config, InternVisionNames.Native);

    /// <inheritdoc/>
    public override IImageProcessor ImageProcessor(ImageFit fit) => new InternVLImageProcessor(_images);

    /// <inheritdoc/>
    public override PromptEncoder PromptEncoder(ITokenizer tokenizer) =>
        new(tokenizer, Template, ImageId(tokenizer), InternVLTags.Image, new SequentialPositions());

    // Its number depends on the text model's vocabulary; where config.json is silent the tokenizer knows.
    private int ImageId(ITokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return _imageId ?? tokenizer.TokenToId("<IMG_CONTEXT>")
            ?? throw new TokenizerException("config.json has no image_token_id and the tokenizer no <IMG_CONTEXT>; one of them is needed.");
    }
}
