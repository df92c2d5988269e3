using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>A loaded model: weights and the parts that work on them. Not safe for concurrent use; the engine serialises.</summary>
internal sealed class VisionLanguageModel : IDisposable
{
    private readonly CheckpointWeights _weights;
    private readonly IDisposable[] _claims;

    internal VisionLanguageModel(CheckpointWeights weights, params IDisposable[] claims) => (_weights, _claims) = (weights, claims);

    /// <summary>Facts.</summary>
    public required VisionModelInfo Info { get; init; }

    /// <summary>The family's blueprint.</summary>
    public required ModelBlueprint Blueprint { get; init; }

    /// <summary>The tokenizer.</summary>
    public required ITokenizer Tokenizer { get; init; }

    /// <summary>The image processor.</summary>
    public required IImageProcessor ImageProcessor { get; init; }

    /// <summary>The prompt encoder.</summary>
    public required PromptEncoder PromptEncoder { get; init; }

    /// <summary>The vision tower.</summary>
    public required IVisionTower Vision { get; init; }

    /// <summary>The decoder.</summary>
    public required TextDecoder Decoder { get; init; }

    /// <summary>Generation defaults.</summary>
    public required GenerationDefaults Generation { get; init; }

    /// <summary>The priors that requests may name, and the one beside the model.</summary>
    public required PriorCatalog Priors { get; init; }

    /// <summary>The prior found beside the model, or null.</summary>
    public PositionalBiasPrior? Prior => Priors.Beside;

    /// <summary>Whether the weights are copies or views of their files, and why.</summary>
    public WeightsAccess WeightsAccess => _weights.Access;

    /// <summary>Bytes of all weights.</summary>
    public long WeightBytes => _weights.Bytes;

    /// <summary>Looks whether mapped weight files are what they were; to be called before each request. Cheap: one call of the
    /// system a file, none for copies.</summary>
    /// <exception cref="WeightsChangedException">A file was written or cut off; the model must be loaded again.</exception>
    public void ThrowIfChanged() => _weights.ThrowIfChanged();

    /// <summary>Processes and encodes the images and text of a conversation.</summary>
    /// <param name="turns">The turns, oldest first.</param>
    /// <param name="limits">Limits on each image; null for the default.</param>
    /// <param name="cancellationToken">Observed at every row of an image.</param>
    /// <param name="tools">Tools on offer; null for none.</param>
    /// <exception cref="PromptException">The turns or tools have no place in the family's template.</exception>
    public EncodedPrompt Encode(
        IReadOnlyList<ChatTurn> turns, ImageLimits? limits, CancellationToken cancellationToken, IReadOnlyList<ChatTool>? tools = null)
    {
        ImageHeader.CheckAll([.. turns.SelectMany(t => t.Parts).OfType<ImagePart>().Select(p => p.Bytes)], limits);
        var images = new List<ProcessedImage>();
        foreach (var part in turns.SelectMany(t => t.Parts).OfType<ImagePart>())
        {
            cancellationToken.ThrowIfCancellationRequested();
            images.Add(ImageProcessor.Process(ImageDecoder.Decode(part.Bytes, limits, cancellationToken), cancellationToken));
        }

        return PromptEncoder.Encode(turns, images, tools);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Decoder.Dispose();
        _weights.Dispose();
        foreach (var claim in _claims) claim.Dispose();
    }
}
