using TorchSharp;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>
/// Where a model takes its tensors from, by canonical (new-style) name. The same code that takes them serves twice: over a
/// recorder it lists what a checkpoint must hold (from the configuration alone), over a checkpoint it loads. Tensors belong to the source.
/// </summary>
public interface ITensorSource
{
    /// <summary>Takes a tensor that must be there with this shape.</summary>
    torch.Tensor Take(string name, long[] shape);

    /// <summary>Takes a tensor that may be missing.</summary>
    torch.Tensor? TakeOptional(string name, long[] shape);

    /// <summary>Takes a tensor and keeps only what <paramref name="split"/> makes of it.</summary>
    torch.Tensor[] TakeSplit(string name, long[] shape, Func<torch.Tensor, torch.Tensor[]> split);
}
