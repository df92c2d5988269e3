using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>All that a model family adds: what its configuration means, its tower, its image processor, its prompt. Made from
/// JSON alone; no weights are read.</summary>
internal abstract class ModelBlueprint
{
    /// <summary>Family name.</summary>
    public abstract string Family { get; }

    /// <summary>The decoder's configuration.</summary>
    public abstract DecoderConfig Text { get; }

    /// <summary>Old-style spellings of tensor names.</summary>
    public abstract TensorNameMap Names { get; }

    /// <summary>Tensors that a file may hold and this family does not use.</summary>
    public virtual IReadOnlyList<string> Unused => [];

    /// <summary>Side of the square images on which priors are calibrated, where the grid depends on the
    /// image; null where it does not.</summary>
    public virtual int? CalibrationSide => null;

    /// <summary>Tokens that end an answer besides those that the folder's files name.</summary>
    public virtual IReadOnlyList<string> StopTokens => [];

    /// <summary>What the folder's configuration says that is read otherwise here than by the family's own code; a sentence each, logged
    /// at load.</summary>
    public virtual IReadOnlyList<string> Warnings => [];

    /// <summary>Takes the decoder's tensors.</summary>
    public abstract DecoderWeights TakeDecoder(ITensorSource source);

    /// <summary>Takes the tower's and projector's tensors.</summary>
    public abstract IVisionTower TakeVision(ITensorSource source);

    /// <summary>The image processor.</summary>
    public abstract IImageProcessor ImageProcessor(ImageFit fit);

    /// <summary>The chat template.</summary>
    public abstract IChatTemplate Template { get; }

    /// <summary>The prompt encoder.</summary>
    public abstract PromptEncoder PromptEncoder(ITokenizer tokenizer);

    /// <summary>Everything that a checkpoint must hold.</summary>
    public TensorPlan Plan()
    {
        var plan = new TensorPlan();
        TakeDecoder(plan);
        TakeVision(plan);
        return plan;
    }
}
