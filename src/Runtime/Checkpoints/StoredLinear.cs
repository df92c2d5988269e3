using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>The weight and bias of a linear map as a source has them; the source owns all of it.</summary>
internal sealed class StoredLinear
{
    /// <summary>A dense weight.</summary>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs], or null.</param>
    public StoredLinear(torch.Tensor weight, torch.Tensor? bias) => (Weight, Bias) = (weight, bias);

    internal StoredLinear(KernelMatrix packed, torch.Tensor? bias) => (Packed, Bias) = (packed, bias);

    private StoredLinear()
    {
    }

    /// <summary>What a plan hands out: nothing.</summary>
    internal static StoredLinear None { get; } = new();

    /// <summary>[outputs, inputs]; null where the weight is quantized.</summary>
    public torch.Tensor? Weight { get; }

    /// <summary>[outputs], or null.</summary>
    public torch.Tensor? Bias { get; }

    /// <summary>The weight in 8 or 4 bits, or null.</summary>
    internal KernelMatrix? Packed { get; }
}
