using System.Runtime.CompilerServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>
/// y = W x over 8- and 4-bit codes. Activations are whole numbers of 16 bits (or 8) with a scale for each
/// <see cref="KernelMatrix.Segment"/> (<see cref="ActivationRow"/>): sums of a segment's products are exact in 32 bits, then scaled and added in fp32.
/// </summary>
internal static unsafe class QuantizedKernel
{
    // Outputs whose lower halves are kept beside the upper ones, where activations have 32 bits.
    private const int WideBlock = 64;

    /// <summary>Outputs <paramref name="from"/> to <paramref name="to"/> (exclusive) of every row, without the bias.</summary>
    /// <param name="m">The weights.</param>
    /// <param name="x">One prepared row per pointer.</param>
    /// <param name="rows">Rows, at most <see cref="MatrixKernel.MaxRows"/>.</param>
    /// <param name="y">One row of outputs per pointer.</param>
    /// <param name="from">First output.</param>
    /// <param name="to">End of the outputs.</param>
    public static void Multiply<T>(KernelMatrix m, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        if (m.ActivationBits != 32)
        {
            OfKind<T>(m, x, rows, y, from, to);
            return;
        }

        float** lower = stackalloc float*[rows], sums = stackalloc float*[rows];
        var scratch = stackalloc float[rows * WideBlock];
        for (var b = 0; b < rows; b++) lower[b] = x[b] + m.PlaneLength;
        for (var r = from; r < to; r += WideBlock)
        {
            var end = Math.Min(r + WideBlock, to);
            for (var b = 0; b < rows; b++) sums[b] = scratch + b * WideBlock - r;
            OfKind<T>(m, x, rows, y, r, end);
            OfKind<T>(m, lower, rows, sums, r, end);
            for (var b = 0; b < rows; b++)
            {
                for (var i = r; i < end; i++) y[b][i] += sums[b][i];
            }
        }
    }

    /// <summary>Adds a segment's integer sums times its scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Scale<T>(T integers, float scale, T sum)
        where T : struct, ILanes<T> => T.MultiplyAdd(T.ToSingle(integers), T.Splat(scale), sum);

    private static void OfKind<T>(KernelMatrix m, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        if (m.Kind == KernelMatrixKind.Int8) Blocks<T, Int8Kernel<T>>(m, x, rows, y, from, to);
        else Blocks<T, Int4Kernel<T>>(m, x, rows, y, from, to);
    }

    private static void Blocks<T, TKernel>(KernelMatrix m, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
        where TKernel : IQuantizedKernel
    {
        // Outputs a quarter apart: four long streams of codes, in each of which the processor fetches ahead.
        var quarter = (to - from) / 4;
        for (var r = from; r < from + quarter; r++)
        {
            var b = 0;
            for (; b + 4 <= rows; b += 4)
            {
                TKernel.TwoByFour(m, r, quarter, x + b, y + b);
                TKernel.TwoByFour(m, r + 2 * quarter, quarter, x + b, y + b);
            }

            for (; b < rows; b++) TKernel.Four(m, r, quarter, x[b], y[b]);
        }

        for (var r = from + 4 * quarter; r < to; r++)
        {
            for (var b = 0; b < rows; b++) TKernel.Four(m, r, 0, x[b], y[b]); // four times the same
        }
    }

    /// <summary>What a segment's sum is multiplied by: the output's zero point, or 1 where the sum holds it.</summary>
    /// <param name="zeros">[outputs, groups]; null where codes are symmetric.</param>
    /// <param name="at">Place of the output's group.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ZeroPoint(byte* zeros, long at) => zeros is null ? 1 : (sbyte)zeros[at];

    /// <summary>One output of four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(float** y, int output, T a, T b, T c, T d)
        where T : struct, ILanes<T>
    {
        y[0][output] = T.Sum(a);
        y[1][output] = T.Sum(b);
        y[2][output] = T.Sum(c);
        y[3][output] = T.Sum(d);
    }

    /// <summary>Where a segment's integer sums begin: at what its zero points take off.</summary>
    /// <param name="sum"><see cref="ActivationRow"/>'s sum of the segment; null where there are no zero points.</param>
    /// <param name="zeros">[outputs, groups]; null where codes are symmetric and the sum holds the zero point.</param>
    /// <param name="at">Place of the output's group.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Begin<T>(int* sum, byte* zeros, long at)
        where T : struct, ILanes<T> => sum is null ? T.Splat(0) : T.FirstInteger(ZeroPoint(zeros, at) * *sum);
}
