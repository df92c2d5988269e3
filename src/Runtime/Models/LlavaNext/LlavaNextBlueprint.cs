using D2Pruner.AI.Runtime.Prompts;
using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.LlavaNext;

/// <summary>LLaVA-NeXT (transformers' LlavaNextForConditionalGeneration), with Vicuna or Mistral.</summary>
internal sealed class LlavaNextBlueprint : ModelBlueprint
{
    private readonly LlavaConfig _config;
    private readonly LlavaNextImageOptions _images;

    /// <summary>Reads a folder's configuration.</summary>
    /// <exception cref="CheckpointException">The configuration is wrong; the message lists everything.</exception>
    public LlavaNextBlueprint(CheckpointFolder folder)
    {
        var reader = new ConfigReader(folder.Config);
        _config = LlavaConfig.Read(reader);
        reader.Require(_config.DropCls, "vision_feature_select_strategy must be 'default': the mosaic has no place for CLS tokens.");
        var isMistral = reader.Child("text_config").Text("model_type", "llama") == "mistral";
        var processor = new ConfigReader(folder.PreprocessorConfig, folder.PreprocessorName);
        var common = PreprocessorConfig.Read(processor, _config.Vision.ImageSize);
        processor.Require(common.CropSize == _config.Vision.ImageSize,
            $"the processor makes tiles of {common.CropSize}, but the tower takes {_config.Vision.ImageSize}.");
        // The reference then resizes every tile to size and cuts it again: no published model's, and its cells would not fit together.
        var (width, height) = common.ExactSize ?? (common.ShortestEdge, common.ShortestEdge);
        processor.Require(width == common.CropSize && height == common.CropSize,
            $"size is {height} x {width} (height x width) and crop_size {common.CropSize}; supported is one side for all of them.");
        _images = new LlavaNextImageOptions
        {
            TileSize = common.CropSize,
            PatchSize = _config.Vision.PatchSize,
            Pinpoints = ReadPinpoints(reader, common.CropSize),
            Normalizer = common.Normalizer,
        };
        reader.ThrowIfBad(folder.Path);
        processor.ThrowIfBad(folder.Path);
        Template = isMistral ? new LlavaNextMistralTemplate() : new LlavaTemplate();
    }

    /// <inheritdoc/>
    public override string Family => "llava_next";

    /// <inheritdoc/>
    public override DecoderConfig Text => _config.Text;

    /// <inheritdoc/>
    public override IChatTemplate Template { get; }

    /// <inheritdoc/>
    public override TensorNameMap Names { get; } = TensorNameMap.VisionLanguage(("model.image_newline", "image_newline"));

    /// <inheritdoc/>
    public override int? CalibrationSide => 2 * _images.TileSize;

    /// <inheritdoc/>
    public override DecoderWeights TakeDecoder(ITensorSource source) =>
        DecoderWeights.Take(source, Text, new DecoderNames { Prefix = "model.language_model.", Head = "lm_head.weight" });

    /// <inheritdoc/>
    public override IVisionTower TakeVision(ITensorSource source) => LlavaNextVisionTower.Take(source, _config);

    /// <inheritdoc/>
    public override IImageProcessor ImageProcessor(ImageFit fit) => new LlavaNextImageProcessor(_images);

    /// <inheritdoc/>
    public override PromptEncoder PromptEncoder(ITokenizer tokenizer) =>
        new(tokenizer, Template, _config.ImageTokenId, null, new SequentialPositions());

    private static IReadOnlyList<(int Height, int Width)> ReadPinpoints(ConfigReader c, int tile)
    {
        if (!c.Has("image_grid_pinpoints")) return new LlavaNextImageOptions().Pinpoints;
        var pinpoints = new List<(int, int)>();
        var json = c.Json.GetProperty("image_grid_pinpoints");
        var items = json.ValueKind == JsonValueKind.Array ? json.EnumerateArray().ToArray() : [];
        c.Require(items.Length <= ConfigRange.Tiles,
            $"image_grid_pinpoints has {items.Length} entries; at most {ConfigRange.Tiles} are read.");
        foreach (var p in items.Take(ConfigRange.Tiles))
        {
            var good = p.ValueKind == JsonValueKind.Array && p.GetArrayLength() == 2
                && p.EnumerateArray().All(
                    v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out var i) && i > 0 && i <= ConfigRange.ImageSide
                    && i % tile == 0)
                && (long)p[0].GetInt32() * p[1].GetInt32() <= ConfigRange.TilePixels;
            c.Require(good, $"image_grid_pinpoints has {p.GetRawText()}; expected [height, width], multiples of {tile} up to " +
                $"{ConfigRange.ImageSide} that make at most {ConfigRange.TilePixels} pixels.");
            if (good) pinpoints.Add((p[0].GetInt32(), p[1].GetInt32()));
        }

        c.Require(items.Length > 0, "image_grid_pinpoints is empty.");
        return pinpoints;
    }
}
