using System.Text.Json;
using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>InternVL2.5 as its makers publish it (the remote code's InternVLChatModel), over InternLM2 or Qwen2.</summary>
internal sealed class InternVLChatBlueprint : ModelBlueprint
{
    private readonly InternVLConfig _config;
    private readonly InternVLImageOptions _images;

    /// <summary>Reads a folder's configuration.</summary>
    /// <exception cref="CheckpointException">The configuration is wrong; the message lists everything.</exception>
    public InternVLChatBlueprint(CheckpointFolder folder)
    {
        var reader = new ConfigReader(folder.Config);
        var processor = new ConfigReader(folder.PreprocessorConfig, folder.PreprocessorName);
        _config = InternVLConfig.ReadRemote(reader);
        _images = InternVLImageOptions.Read(reader, processor);
        Template = new InternVLRemoteTemplate(reader.Has("system_message") ? reader.Text("system_message", "") : null);
        // An absent key means the template's own message to the makers' code too; of null it makes the word "None".
        Warnings = folder.Config.TryGetProperty("system_message", out var message) && message.ValueKind == JsonValueKind.Null
            ? ["config.json has the system_message null, of which the makers' code makes the word 'None'; prompts begin with the message " +
                "of the template internvl2_5. Send a system message if the model was trained with another."]
            : [];
        reader.ThrowIfBad(folder.Path);
        processor.ThrowIfBad(folder.Path);
    }

    /// <inheritdoc/>
    public override string Family => "internvl_chat";

    /// <inheritdoc/>
    public override DecoderConfig Text => _config.Text;

    /// <inheritdoc/>
    public override IChatTemplate Template { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Warnings { get; }

    /// <inheritdoc/>
    public override TensorNameMap Names => TensorNameMap.Identity;

    /// <inheritdoc/>
    public override IReadOnlyList<string> StopTokens => ["<|im_end|>"]; // chat() stops at the template's separator whatever the files say

    /// <inheritdoc/>
    public override int? CalibrationSide => 3 * _images.ImageSize;

    /// <inheritdoc/>
    public override DecoderWeights TakeDecoder(ITensorSource source) => DecoderWeights.Take(source, Text, Text.FusedQkv
        ? DecoderNames.InternLm2("language_model.model.", "language_model.output.weight")
        : new DecoderNames { Prefix = "language_model.model.", Head = "language_model.lm_head.weight" });

    /// <inheritdoc/>
    public override IVisionTower TakeVision(ITensorSource source) => InternVisionTower.Take(source, _config, InternVisionNames.Remote);

    /// <inheritdoc/>
    public override IImageProcessor ImageProcessor(ImageFit fit) => new InternVLImageProcessor(_images);

    /// <inheritdoc/>
    public override PromptEncoder PromptEncoder(ITokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var image = tokenizer.TokenToId("<IMG_CONTEXT>")
            ?? throw new TokenizerException(
                "The tokenizer has no <IMG_CONTEXT>; InternVL's own tokenizer files (with added_tokens.json or added_tokens_decoder) " +
                "are needed.");
        return new PromptEncoder(tokenizer, Template, image, InternVLTags.Image, new SequentialPositions());
    }
}
