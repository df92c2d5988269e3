using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>
/// A linear map over a plain tensor. On CPU, 1 to 16 rows without gradient go through kernels of our own: decoding reads every weight once
/// a token, where libtorch's product reaches about half of the memory's bandwidth, and each row gives what it gives alone, bit for bit.
/// Where libtorch has no fast product of bfloat16, the rows of a pruned prompt go the same way.
/// </summary>
internal sealed class DenseLinear : Linear
{
    private readonly Lazy<KernelMatrix?> _kernel;

    /// <summary>Creates it over tensors that somebody else owns.</summary>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs] in the same type, or null.</param>
    public DenseLinear(Tensor weight, Tensor? bias)
        : base(weight.shape[0], weight.shape[1], bias)
    {
        Weight = weight;
        _kernel = new Lazy<KernelMatrix?>(View);
    }

    /// <summary>Whether the kernels are used; settable so that benchmarks can compare.</summary>
    internal static bool KernelsEnabled { get; set; } = true;

    /// <summary>[outputs, inputs].</summary>
    public Tensor Weight { get; }

    /// <inheritdoc/>
    public override string Storage => Weight.dtype.ToString().ToLowerInvariant();

    /// <inheritdoc/>
    public override long Bytes => SizeOf(Weight) + SizeOf(Bias);

    internal override KernelMatrix? Kernel => _kernel.Value;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Applies(x) ? Multiply(Kernel!, x)
        : BFloat16Products.TypeFor(x) == x.dtype ? nn.functional.linear(x, Weight, Bias)
        : InBlocks(x, (from, count, type) => Weight.narrow(0, from, count).to(type));

    /// <inheritdoc/>
    public override Tensor Dequantize(ScalarType type) => Weight.to(type, copy: true);

    /// <summary>Whether <see cref="Forward"/> takes our kernels: a rule of shape and type, so that a row never
    /// changes its path with the batch.</summary>
    internal bool Applies(Tensor x) =>
        KernelsEnabled && x.NumberOfElements is > 0 and var n
            && (n <= MatrixKernel.MaxRows * Inputs || BFloat16Products.SuitKernels(x, Inputs))
            && !is_grad_enabled() && Kernel is not null && x.dtype == Weight.dtype;

    // Larger weights than a span can hold stay libtorch's.
    private KernelMatrix? View() =>
        Weight.dtype is ScalarType.BFloat16 or ScalarType.Float32 && Weight.device_type == DeviceType.CPU && Weight.is_contiguous()
        && Outputs * Inputs * Weight.element_size() <= int.MaxValue
        && (Bias is null || (Bias.dtype == Weight.dtype && Bias.is_contiguous()))
            ? KernelMatrix.Dense(Address(Weight), (int)Outputs, (int)Inputs, Weight.dtype == ScalarType.BFloat16, Bias is null ? 0
                : Address(Bias), Weight)
            : null;
}
