using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>
/// A linear map over 8- or 4-bit weights on CPU. Up to 16 rows go through kernels that read the codes; more are multiplied by libtorch,
/// block after block of outputs made dense in a small buffer: reading a prompt is bound by arithmetic, not
/// by memory. Activations keep their type.
/// </summary>
internal sealed class QuantizedLinear : Linear
{
    private readonly KernelMatrix _matrix;

    /// <summary>Creates it over weights that somebody else owns.</summary>
    internal QuantizedLinear(KernelMatrix matrix, Tensor? bias)
        : base(matrix.Outputs, matrix.Inputs, bias) => _matrix = matrix;

    /// <inheritdoc/>
    public override string Storage => (_matrix.Kind == KernelMatrixKind.Int8 ? "int8" : "int4")
        + (_matrix.GroupSize >= _matrix.Inputs ? "" : $"-g{_matrix.GroupSize}") + (_matrix.IsSymmetric ? "" : "-asymmetric");

    /// <inheritdoc/>
    public override long Bytes => _matrix.Bytes + SizeOf(Bias);

    internal override KernelMatrix? Kernel => _matrix;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        var few = x.NumberOfElements is > 0 and var n && n <= MatrixKernel.MaxRows * Inputs
            && x.dtype is ScalarType.BFloat16 or ScalarType.Float32;
        return few && !is_grad_enabled() ? Multiply(_matrix, x) : InBlocks(x, Block);
    }

    /// <inheritdoc/>
    public override Tensor Dequantize(ScalarType type)
    {
        using var dense = Block(0, (int)Outputs, ScalarType.Float32);
        return dense.to(type, copy: true);
    }

    private Tensor Block(int from, int count, ScalarType type)
    {
        var bfloat16 = type == ScalarType.BFloat16;
        var block = empty([count, Inputs], bfloat16 ? type : ScalarType.Float32);
        var address = Address(block);
        var threads = Math.Max(1, Math.Min(get_num_threads(), Environment.ProcessorCount));
        var size = (count + threads - 1) / threads;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, t =>
        {
            var (first, end) = (Math.Min(t * size, count), Math.Min((t + 1) * size, count));
            DequantizeKernel.Rows(_matrix, from + first, from + end, address + (nint)(first * Inputs * (bfloat16 ? 2 : 4)), bfloat16);
        });
        if (block.dtype == type) return block;
        using (block) return block.to(type);
    }
}
