using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models.Llava;

/// <summary>CLIP tower and two-layer projector of LLaVA: one tile gives Side x Side tokens, row-major.</summary>
internal sealed class LlavaVisionTower : IVisionTower
{
    private readonly LlavaConfig _c;
    private readonly ClipVisionTower _clip;
    private readonly Linear _linear1;
    private readonly Linear _linear2;

    private LlavaVisionTower(LlavaConfig c, ITensorSource source)
    {
        _c = c;
        _clip = ClipVisionTower.Take(source, c.Vision, "model.vision_tower.vision_model.");
        _linear1 = source.TakeLinear("model.multi_modal_projector.linear_1", c.Text.HiddenSize, c.ProjectorInput, c.ProjectorBias);
        _linear2 = source.TakeLinear("model.multi_modal_projector.linear_2", c.Text.HiddenSize, c.Text.HiddenSize, c.ProjectorBias);
    }

    /// <summary>The tower without the projector.</summary>
    public ClipVisionTower Clip => _clip;

    /// <summary>The model's configuration.</summary>
    public LlavaConfig Config => _c;

    /// <summary>Takes the tower's tensors.</summary>
    public static LlavaVisionTower Take(ITensorSource source, LlavaConfig config) => new(config, source);

    /// <inheritdoc/>
    public VisionOutput Encode(ProcessedImage image, bool clsAttention, Action? atBorder = null) =>
        EncodeBatch([image], clsAttention, atBorder)[0];

    /// <inheritdoc/>
    public IReadOnlyList<VisionOutput> EncodeBatch(IReadOnlyList<ProcessedImage> images, bool clsAttention, Action? atBorder = null)
    {
        using var scope = NewDisposeScope();
        var cls = clsAttention ? new List<float[]>() : null;
        var features = EncodeTiles(images, cls, atBorder);
        return [.. images.Select((_, i) => new VisionOutput(features[i].alias().MoveToOuterDisposeScope(), cls?[i]))];
    }

    /// <summary>Projected features of every tile of images of one pixel shape, [tiles, tokens, D].</summary>
    public Tensor EncodeTiles(IReadOnlyList<ProcessedImage> images, List<float[]>? clsAttention, Action? atBorder = null)
    {
        using var scope = NewDisposeScope();
        var states = _clip.Forward(Pixels(images), _c.FeatureLayers, clsAttention, atBorder);
        Tensor[] selected = [.. states.Select(s => _c.DropCls ? s.narrow(1, 1, s.shape[1] - 1) : s)];
        return Project(selected.Length == 1 ? selected[0] : cat(selected, -1)).MoveToOuterDisposeScope();
    }

    /// <summary>Pixels of images of one shape as the tower takes them, [tiles, 3, H, W].</summary>
    public Tensor Pixels(IReadOnlyList<ProcessedImage> images) => PixelBatch.Of(images, _clip.DType, _clip.Device);

    /// <summary>The projector alone: [..., tower width] to [..., D].</summary>
    public Tensor Project(Tensor features)
    {
        using var scope = NewDisposeScope();
        return _linear2.Forward(Activations.Find(_c.ProjectorActivation)(_linear1.Forward(features))).MoveToOuterDisposeScope();
    }
}
