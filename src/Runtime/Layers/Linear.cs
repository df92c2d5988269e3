using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>A linear map x W^T + b. How its weights are stored and multiplied is its kind's matter.</summary>
internal abstract class Linear
{
    // Outputs made at a time: 8 MB in bfloat16 at 4,096 inputs, which the last cache holds.
    private const long BlockElements = 4L << 20;

    private protected Linear(long outputs, long inputs, Tensor? bias) => (Outputs, Inputs, Bias) = (outputs, inputs, bias);

    /// <summary>Outputs: rows of the weight.</summary>
    public long Outputs { get; }

    /// <summary>Inputs: columns of the weight.</summary>
    public long Inputs { get; }

    /// <summary>[outputs], or null; the source owns it.</summary>
    public Tensor? Bias { get; }

    /// <summary>How the weights are stored, as reports name it: <c>bfloat16</c>, <c>int8</c>, <c>int4-g128</c>.</summary>
    public abstract string Storage { get; }

    /// <summary>Bytes of weights, scales and bias.</summary>
    public abstract long Bytes { get; }

    /// <summary>What the kernels on CPU read; null where they do not apply (another device or type).</summary>
    internal abstract KernelMatrix? Kernel { get; }

    /// <summary>x W^T + b.</summary>
    /// <param name="x">[..., inputs].</param>
    /// <returns>[..., outputs] in the type of <paramref name="x"/>.</returns>
    public abstract Tensor Forward(Tensor x);

    /// <summary>The weight as it is computed with, [outputs, inputs]; the caller disposes it.</summary>
    /// <param name="type">Type wanted.</param>
    public abstract Tensor Dequantize(ScalarType type);

    private protected static long SizeOf(Tensor? t) => t is null ? 0 : t.NumberOfElements * t.element_size();

    // Few rows by the kernels: each gives what it gives alone, bit for bit.
    private protected Tensor Multiply(KernelMatrix kernel, Tensor x)
    {
        var shape = x.shape;
        if (shape[^1] != Inputs) throw new ArgumentException($"The rows have {shape[^1]} values; this layer takes {Inputs}.", nameof(x));
        using var rows = x.contiguous();
        shape[^1] = Outputs;
        var result = empty(shape, x.dtype);
        MatrixRows.Multiply(kernel, Address(rows), Address(result), (int)(rows.NumberOfElements / Inputs), x.dtype == ScalarType.BFloat16,
            get_num_threads());
        return result;
    }

    // Blocks of outputs, made in the type of the product: [from, from + count) of the weight's rows.
    private protected Tensor InBlocks(Tensor x, Func<int, int, ScalarType, Tensor> block)
    {
        using var scope = NewDisposeScope();
        var type = BFloat16Products.TypeFor(x);
        var wide = x.to(type);
        var rows = (int)Math.Min(Outputs, Math.Max(16, BlockElements / Inputs / 16 * 16));
        var parts = new List<Tensor>();
        for (var from = 0; from < Outputs; from += rows)
        {
            var count = (int)Math.Min(rows, Outputs - from);
            using var weight = block(from, count, type);
            using var bias = Bias?.narrow(0, from, count).to(type);
            parts.Add(nn.functional.linear(wide, weight, bias).to(x.dtype));
        }

        return (parts.Count == 1 ? parts[0] : cat(parts, -1)).MoveToOuterDisposeScope();
    }

    private protected static unsafe nint Address(Tensor t)
    {
        fixed (byte* p = t.bytes) return (nint)p; // native memory: it does not move
    }
}
