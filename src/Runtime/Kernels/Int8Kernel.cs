using System.Runtime.CompilerServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>y = W x over signed bytes: codes become floats in registers, products and sums are fp32,
/// a group's sum is scaled once.</summary>
internal static unsafe class Int8Kernel
{
    /// <summary>Outputs <paramref name="from"/> to <paramref name="to"/> (exclusive) of every row, without the bias.</summary>
    /// <param name="m">The weights.</param>
    /// <param name="x">One prepared row per pointer: activations, then the sums of each group's where there are zero points.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">One row of outputs per pointer.</param>
    /// <param name="from">First output.</param>
    /// <param name="to">End of the outputs.</param>
    public static void Multiply<T>(KernelMatrix m, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        for (var r = from; r < to; r += 4)
        {
            var count = Math.Min(4, to - r);
            var b = 0;
            if (count == 4)
            {
                for (; b + 4 <= rows; b += 4)
                {
                    TwoByFour<T>(m, r, x + b, y + b);
                    TwoByFour<T>(m, r + 2, x + b, y + b);
                }

                for (; b < rows; b++) Four<T>(m, r, x[b], y[b]);
            }
            else
            {
                for (; b < rows; b++)
                {
                    for (var i = 0; i < count; i++) One<T>(m, r + i, x[b], y[b]);
                }
            }
        }
    }

    private static void One<T>(KernelMatrix m, int row, float* x, float* y)
        where T : struct, ILanes<T>
    {
        var w = (sbyte*)m.Data + row * m.RowBytes;
        var scales = m.Scales + (long)row * m.Groups;
        var sum = T.Splat(0);
        for (var (g, i) = (0, 0); g < m.Groups; g++)
        {
            var part = T.Splat(0);
            for (var end = Math.Min(i + m.GroupSize, m.Padded); i < end; i += T.Count)
                part = T.MultiplyAdd(T.Bytes(w + i), T.Load(x + i), part);
            sum = T.MultiplyAdd(part, T.Splat(scales[g]), sum);
        }

        y[row] = T.Sum(sum) - Correction(m, row, x);
    }

    private static void Four<T>(KernelMatrix m, int row, float* x, float* y)
        where T : struct, ILanes<T>
    {
        sbyte* a = (sbyte*)m.Data + row * m.RowBytes, b = a + m.RowBytes, c = b + m.RowBytes, d = c + m.RowBytes;
        var (groups, size, padded) = (m.Groups, m.GroupSize, m.Padded);
        float* sa = m.Scales + (long)row * groups, sb = sa + groups, sc = sb + groups, sd = sc + groups;
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        for (var (g, i) = (0, 0); g < groups; g++)
        {
            T p0 = T.Splat(0), p1 = p0, p2 = p0, p3 = p0;
            for (var end = Math.Min(i + size, padded); i < end; i += T.Count)
            {
                var v = T.Load(x + i);
                p0 = T.MultiplyAdd(T.Bytes(a + i), v, p0);
                p1 = T.MultiplyAdd(T.Bytes(b + i), v, p1);
                p2 = T.MultiplyAdd(T.Bytes(c + i), v, p2);
                p3 = T.MultiplyAdd(T.Bytes(d + i), v, p3);
            }

            s0 = T.MultiplyAdd(p0, T.Splat(sa[g]), s0);
            s1 = T.MultiplyAdd(p1, T.Splat(sb[g]), s1);
            s2 = T.MultiplyAdd(p2, T.Splat(sc[g]), s2);
            s3 = T.MultiplyAdd(p3, T.Splat(sd[g]), s3);
        }

        y[row] = T.Sum(s0) - Correction(m, row, x);
        y[row + 1] = T.Sum(s1) - Correction(m, row + 1, x);
        y[row + 2] = T.Sum(s2) - Correction(m, row + 2, x);
        y[row + 3] = T.Sum(s3) - Correction(m, row + 3, x);
    }

    private static void TwoByFour<T>(KernelMatrix m, int row, float** x, float** y)
        where T : struct, ILanes<T>
    {
        sbyte* a = (sbyte*)m.Data + row * m.RowBytes, b = a + m.RowBytes;
        var (groups, size, padded) = (m.Groups, m.GroupSize, m.Padded);
        float* sa = m.Scales + (long)row * groups, sb = sa + groups;
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (var (g, i) = (0, 0); g < groups; g++)
        {
            T p0 = T.Splat(0), p1 = p0, p2 = p0, p3 = p0, q0 = p0, q1 = p0, q2 = p0, q3 = p0;
            for (var end = Math.Min(i + size, padded); i < end; i += T.Count)
            {
                T wa = T.Bytes(a + i), wb = T.Bytes(b + i), v = T.Load(x0 + i);
                p0 = T.MultiplyAdd(wa, v, p0);
                q0 = T.MultiplyAdd(wb, v, q0);
                v = T.Load(x1 + i);
                p1 = T.MultiplyAdd(wa, v, p1);
                q1 = T.MultiplyAdd(wb, v, q1);
                v = T.Load(x2 + i);
                p2 = T.MultiplyAdd(wa, v, p2);
                q2 = T.MultiplyAdd(wb, v, q2);
                v = T.Load(x3 + i);
                p3 = T.MultiplyAdd(wa, v, p3);
                q3 = T.MultiplyAdd(wb, v, q3);
            }

            T ka = T.Splat(sa[g]), kb = T.Splat(sb[g]);
            a0 = T.MultiplyAdd(p0, ka, a0);
            a1 = T.MultiplyAdd(p1, ka, a1);
            a2 = T.MultiplyAdd(p2, ka, a2);
            a3 = T.MultiplyAdd(p3, ka, a3);
            b0 = T.MultiplyAdd(q0, kb, b0);
            b1 = T.MultiplyAdd(q1, kb, b1);
            b2 = T.MultiplyAdd(q2, kb, b2);
            b3 = T.MultiplyAdd(q3, kb, b3);
        }

        y[0][row] = T.Sum(a0) - Correction(m, row, x0);
        y[1][row] = T.Sum(a1) - Correction(m, row, x1);
        y[2][row] = T.Sum(a2) - Correction(m, row, x2);
        y[3][row] = T.Sum(a3) - Correction(m, row, x3);
        y[0][row + 1] = T.Sum(b0) - Correction(m, row + 1, x0);
        y[1][row + 1] = T.Sum(b1) - Correction(m, row + 1, x1);
        y[2][row + 1] = T.Sum(b2) - Correction(m, row + 1, x2);
        y[3][row + 1] = T.Sum(b3) - Correction(m, row + 1, x3);
    }

    // Sum over groups of s z (sum of the group's activations): what the zero points add.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Correction(KernelMatrix m, int row, float* x)
    {
        if (m.Zeros is null) return 0;
        float sum = 0;
        var at = (long)row * m.Groups;
        for (var g = 0; g < m.Groups; g++) sum += m.Scales[at + g] * (sbyte)m.Zeros[at + g] * x[m.Padded + g];
        return sum;
    }
}
