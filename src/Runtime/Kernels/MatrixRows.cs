using System.Buffers;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>A whole product of a few rows in the model's type, spread over threads.</summary>
internal static unsafe class MatrixRows
{
    // Below this many products a second thread costs more than it brings.
    private const long MinProductsPerThread = 1 << 18;

    // Rows at a time: what is prepared of them should stay in the last cache.
    private const int MaxBlock = 128;

    /// <summary>y = x W^T + b, rounded once.</summary>
    /// <param name="m">The weights.</param>
    /// <param name="x">[rows, inputs], bfloat16 or fp32.</param>
    /// <param name="y">[rows, outputs] in the same type.</param>
    /// <param name="rows">At least 1; over quantized weights at most <see cref="MatrixKernel.MaxRows"/>.</param>
    /// <param name="bfloat16">The rows' type: bfloat16, else fp32.</param>
    /// <param name="threads">Threads to use at most.</param>
    public static void Multiply(KernelMatrix m, nint x, nint y, int rows, bool bfloat16, int threads)
    {
        if (Lanes512.IsSupported) Multiply<Lanes512>(m, x, y, rows, bfloat16, threads);
        else if (Lanes256.IsSupported) Multiply<Lanes256>(m, x, y, rows, bfloat16, threads);
        else if (Lanes128.IsSupported) Multiply<Lanes128>(m, x, y, rows, bfloat16, threads);
        else Multiply<Lanes1>(m, x, y, rows, bfloat16, threads);
    }

    internal static void Multiply<T>(KernelMatrix m, nint x, nint y, int rows, bool bfloat16, int threads)
        where T : struct, ILanes<T>
    {
        var size = bfloat16 ? 2 : 4;
        for (nint from = 0; from < rows; from += MaxBlock)
            Block<T>(m, x + from * m.Inputs * size, y + from * m.Outputs * size, (int)Math.Min(MaxBlock, rows - from), bfloat16, threads);
    }

    private static void Block<T>(KernelMatrix m, nint x, nint y, int rows, bool bfloat16, int threads)
        where T : struct, ILanes<T>
    {
        var (length, outputs) = (m.PreparedLength, m.Outputs);
        var scratch = ArrayPool<float>.Shared.Rent(checked(rows * (length + outputs) + m.Inputs));
        fixed (float* start = scratch)
        {
            var (prepared, sums) = ((nint)start, (nint)(start + rows * length));
            var plain = start + rows * (length + outputs);
            for (var b = 0; b < rows; b++)
            {
                if (bfloat16) MatrixKernel.Prepare<T>(m, (ushort*)x + (long)b * m.Inputs, start + b * length, plain);
                else MatrixKernel.Prepare<T>(m, (float*)x + (long)b * m.Inputs, start + b * length);
            }

            var parts = (int)Math.Clamp(
                (long)rows * outputs * m.Inputs / MinProductsPerThread, 1, Math.Max(1, Math.Min(threads, Environment.ProcessorCount)));
            if (parts == 1) Part<T>(m, prepared, sums, y, rows, bfloat16, 0, outputs);
            else Spread<T>(m, prepared, sums, y, rows, bfloat16, parts);
        }

        ArrayPool<float>.Shared.Return(scratch);
    }

    // Of its own, so that products on one thread make no closure.
    private static void Spread<T>(KernelMatrix m, nint prepared, nint sums, nint y, int rows, bool bfloat16, int parts)
        where T : struct, ILanes<T>
    {
        var size = (m.Outputs + parts - 1) / parts;
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, t =>
            Part<T>(m, prepared, sums, y, rows, bfloat16, Math.Min(t * size, m.Outputs), Math.Min((t + 1) * size, m.Outputs)));
    }

    private static void Part<T>(KernelMatrix m, nint prepared, nint sums, nint y, int rows, bool bfloat16, int from, int to)
        where T : struct, ILanes<T>
    {
        var px = stackalloc float*[rows];
        var py = stackalloc float*[rows];
        for (var b = 0; b < rows; b++)
        {
            px[b] = (float*)prepared + (long)b * m.PreparedLength;
            py[b] = (bfloat16 ? (float*)sums : (float*)y) + (long)b * m.Outputs;
        }

        MatrixKernel.Multiply<T>(m, px, rows, py, from, to);
        if (!bfloat16) return;
        for (var b = 0; b < rows; b++)
        {
            var target = (ushort*)y + (long)b * m.Outputs;
            BFloat16Bits.Round<T>(py[b] + from, target + from, to - from);
        }
    }
}
