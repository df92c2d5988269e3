using D2Pruner.AI.Runtime.Imaging;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Prompts;

/// <summary>What a vision tower makes of one image.</summary>
/// <param name="Features">What stands at the image's placeholder positions, separators included, [tokens, D] in the model's type.</param>
/// <param name="ClsAttention">CLS attention to the candidates in layout order, mean over heads, [V]; null where not asked
/// for or the tower has no CLS token.</param>
internal sealed record VisionOutput(torch.Tensor Features, float[]? ClsAttention)
{
    /// <summary>Features that are added to the visual rows after decoder layer i, [tokens, D] each; null where a
    /// family has none (all of today's).</summary>
    public IReadOnlyList<torch.Tensor>? Levels { get; init; }
}

/// <summary>A family's vision tower with its projector.</summary>
internal interface IVisionTower
{
    /// <summary>Encodes one image.</summary>
    /// <param name="image">The processed image.</param>
    /// <param name="clsAttention">Also return CLS attention, where there is one.</param>
    /// <param name="atBorder">Called between blocks: may run something else, or throw to end the work; null for nothing.</param>
    VisionOutput Encode(ProcessedImage image, bool clsAttention, Action? atBorder = null);

    /// <summary>Encodes several images of one pixel shape; families whose towers gain by it run them as one batch.</summary>
    /// <param name="images">The processed images, at least one.</param>
    /// <param name="clsAttention">Also return CLS attention, where there is one.</param>
    /// <param name="atBorder">Called between blocks.</param>
    IReadOnlyList<VisionOutput> EncodeBatch(IReadOnlyList<ProcessedImage> images, bool clsAttention, Action? atBorder = null) =>
        [.. images.Select(i => Encode(i, clsAttention, atBorder))];
}
