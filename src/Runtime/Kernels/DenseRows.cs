using System.Buffers;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>A whole product of a few rows by <see cref="DenseKernel"/>, spread over threads, with the bias and the rounding to the model's type.</summary>
internal static unsafe class DenseRows
{
    /// <summary>Most rows that the kernels take; more go to libtorch.</summary>
    public const int MaxRows = 16;

    // Below this many products a second thread costs more than it brings.
    private const long MinProductsPerThread = 1 << 18;

    /// <summary>y = x W^T + b.</summary>
    /// <param name="weights">[outputs, inputs], bfloat16 or fp32.</param>
    /// <param name="bias">[outputs] in the same type, or zero.</param>
    /// <param name="x">[rows, inputs] in the same type.</param>
    /// <param name="y">[rows, outputs] in the same type.</param>
    /// <param name="rows">1 to <see cref="MaxRows"/>.</param>
    /// <param name="outputs">Outputs.</param>
    /// <param name="inputs">Inputs.</param>
    /// <param name="bfloat16">The type: bfloat16, else fp32.</param>
    /// <param name="threads">Threads to use at most.</param>
    public static void Multiply(nint weights, nint bias, nint x, nint y, int rows, int outputs, int inputs, bool bfloat16, int threads)
    {
        if (Lanes512.IsSupported) Multiply<Lanes512>(weights, bias, x, y, rows, outputs, inputs, bfloat16, threads);
        else if (Lanes256.IsSupported) Multiply<Lanes256>(weights, bias, x, y, rows, outputs, inputs, bfloat16, threads);
        else if (Lanes128.IsSupported) Multiply<Lanes128>(weights, bias, x, y, rows, outputs, inputs, bfloat16, threads);
        else Multiply<Lanes1>(weights, bias, x, y, rows, outputs, inputs, bfloat16, threads);
    }

    internal static void Multiply<T>(nint weights, nint bias, nint x, nint y, int rows, int outputs, int inputs, bool bfloat16, int threads)
        where T : struct, ILanes<T>
    {
        var scratch = ArrayPool<float>.Shared.Rent(rows * (inputs + outputs) + inputs);
        fixed (float* start = scratch)
        {
            var (prepared, sums) = ((nint)start, (nint)(start + rows * inputs));
            if (bfloat16)
            {
                var plain = start + rows * (inputs + outputs);
                for (var b = 0; b < rows; b++)
                {
                    var row = (ushort*)x + (long)b * inputs;
                    for (var i = 0; i < inputs; i++) plain[i] = BFloat16Bits.ToFloat(row[i]);
                    DenseKernel.Interleave<T>(plain, start + b * inputs, inputs);
                }
            }
            else
            {
                prepared = x;
            }

            var parts = (int)Math.Clamp((long)rows * outputs * inputs / MinProductsPerThread, 1, Math.Min(threads, Environment.ProcessorCount));
            if (parts == 1)
            {
                Part<T>(weights, bias, prepared, sums, y, rows, outputs, inputs, bfloat16, 0, outputs);
            }
            else
            {
                var size = (outputs + parts - 1) / parts;
                Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, t =>
                    Part<T>(weights, bias, prepared, sums, y, rows, outputs, inputs, bfloat16, Math.Min(t * size, outputs), Math.Min((t + 1) * size, outputs)));
            }
        }

        ArrayPool<float>.Shared.Return(scratch);
    }

    private static void Part<T>(nint weights, nint bias, nint prepared, nint sums, nint y, int rows, int outputs, int inputs, bool bfloat16, int from, int to)
        where T : struct, ILanes<T>
    {
        var px = stackalloc float*[rows];
        var py = stackalloc float*[rows];
        for (var b = 0; b < rows; b++)
        {
            px[b] = (float*)prepared + (long)b * inputs;
            py[b] = bfloat16 ? (float*)sums + (long)b * outputs : (float*)y + (long)b * outputs;
        }

        if (bfloat16) DenseKernel.BFloat16<T>((ushort*)weights, inputs, px, rows, py, from, to);
        else DenseKernel.Float32<T>((float*)weights, inputs, px, rows, py, from, to);
        for (var b = 0; b < rows; b++)
        {
            for (var r = from; r < to; r++)
            {
                if (!bfloat16)
                {
                    if (bias != 0) py[b][r] += ((float*)bias)[r];
                    continue;
                }

                var sum = bias == 0 ? py[b][r] : py[b][r] + BFloat16Bits.ToFloat(((ushort*)bias)[r]);
                ((ushort*)y)[(long)b * outputs + r] = BFloat16Bits.Round(sum);
            }
        }
    }
}
