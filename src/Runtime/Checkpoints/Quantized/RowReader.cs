using D2Pruner.AI.Runtime.Kernels;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>Reads rows of a CPU tensor as fp32 from several threads, without a copy of the whole.</summary>
internal static class RowReader
{
    /// <summary>A reader of [rows, columns] in fp16, bfloat16, fp32 or fp64; the tensor must be contiguous and outlive it.</summary>
    public static unsafe Action<int, Memory<float>> Of(Tensor matrix)
    {
        var (type, columns) = (matrix.dtype, (int)matrix.shape[1]);
        nint start;
        fixed (byte* p = matrix.bytes) start = (nint)p; // native memory: it does not move
        return (row, to) =>
        {
            var target = to.Span;
            var at = (long)row * columns;
            switch (type)
            {
                case ScalarType.BFloat16:
                    for (var i = 0; i < columns; i++) target[i] = BFloat16Bits.ToFloat(((ushort*)start)[at + i]);
                    break;
                case ScalarType.Float16:
                    for (var i = 0; i < columns; i++) target[i] = (float)((Half*)start)[at + i];
                    break;
                case ScalarType.Float32:
                    new ReadOnlySpan<float>((float*)start + at, columns).CopyTo(target);
                    break;
                case ScalarType.Float64:
                    for (var i = 0; i < columns; i++) target[i] = (float)((double*)start)[at + i];
                    break;
                default:
                    throw new NotSupportedException($"Weights of type {type} cannot be quantized.");
            }
        };
    }
}
