using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>
/// A linear map over a plain tensor. On CPU, 1 to 16 rows without gradient go through kernels of our own: decoding reads every weight once a token, where
/// libtorch's product reaches about half of the memory's bandwidth, and each row gives what it gives alone, bit for bit.
/// </summary>
public sealed class DenseLinear : Linear
{
    private readonly bool _kernel;

    /// <summary>Creates it over tensors that somebody else owns.</summary>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs] in the same type, or null.</param>
    public DenseLinear(Tensor weight, Tensor? bias)
        : base(weight.shape[0], weight.shape[1], bias)
    {
        Weight = weight;
        _kernel = weight.dtype is ScalarType.BFloat16 or ScalarType.Float32 && weight.device_type == DeviceType.CPU && weight.is_contiguous()
            && (bias is null || (bias.dtype == weight.dtype && bias.is_contiguous()))
            && Outputs * Inputs * weight.element_size() <= int.MaxValue; // larger ones have no span in TorchSharp
    }

    /// <summary>Whether the kernels are used; settable so that benchmarks can compare.</summary>
    internal static bool KernelsEnabled { get; set; } = true;

    /// <summary>[outputs, inputs].</summary>
    public Tensor Weight { get; }

    /// <inheritdoc/>
    public override string Storage => Weight.dtype.ToString().ToLowerInvariant();

    /// <inheritdoc/>
    public override long Bytes => SizeOf(Weight) + SizeOf(Bias);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Applies(x) ? Multiply(x) : nn.functional.linear(x, Weight, Bias);

    /// <inheritdoc/>
    public override Tensor Dequantize(ScalarType type) => Weight.to(type, copy: true);

    /// <summary>Whether <see cref="Forward"/> takes our kernels: a rule of shape and type, so that a row never changes its path with the batch.</summary>
    internal bool Applies(Tensor x) =>
        _kernel && KernelsEnabled && x.dtype == Weight.dtype && x.NumberOfElements is > 0 and var n && n <= DenseRows.MaxRows * Inputs && !is_grad_enabled();

    private Tensor Multiply(Tensor x)
    {
        var shape = x.shape;
        if (shape[^1] != Inputs) throw new ArgumentException($"The rows have {shape[^1]} values; this layer takes {Inputs}.", nameof(x));
        using var rows = x.contiguous();
        shape[^1] = Outputs;
        var result = empty(shape, x.dtype);
        var (count, bfloat16) = ((int)(rows.NumberOfElements / Inputs), x.dtype == ScalarType.BFloat16);
        var bias = Bias is null ? 0 : Address(Bias);
        DenseRows.Multiply(Address(Weight), bias, Address(rows), Address(result), count, (int)Outputs, (int)Inputs, bfloat16, get_num_threads());
        return result;
    }

    private static unsafe nint Address(Tensor t)
    {
        fixed (byte* p = t.bytes) return (nint)p; // native memory: it does not move
    }
}
