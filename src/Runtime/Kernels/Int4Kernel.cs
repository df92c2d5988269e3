using System.Runtime.CompilerServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>
/// y = W x over 4-bit codes in groups. A word holds the codes of eight inputs 16 apart. A code becomes a float without a conversion: in the mantissa of a number
/// between 1 and 2 it stands for 1 + q / 256 (bits 15 to 18) or 1 + q / 16 (bits 19 to 22), so one shift serves two codes. The activations are prepared 256 or
/// 16 times as large, and every group's sum begins, lane by lane, with what takes the ones and the zero point off again.
/// </summary>
internal static unsafe class Int4Kernel
{
    private const uint High = 0x780000;
    private const uint Low = 0x078000;
    private const int Lanes = 16;
    private const float Middle = 8;

    /// <summary>Floats behind the prepared activations: for each group sixteen to begin with, and sixteen sums where zero points differ.</summary>
    public static int BeginLength(KernelMatrix m) => Lanes * m.Groups * (m.IsSymmetric ? 1 : 2);

    /// <summary>Enlarges a row of activations in place and appends what the sums begin with.</summary>
    /// <param name="m">The weights.</param>
    /// <param name="x">[padded + <see cref="BeginLength"/>].</param>
    public static void Prepare(KernelMatrix m, float* x)
    {
        float* begin = x + m.Padded, plain = begin + Lanes * m.Groups;
        for (var g = 0; g < m.Groups; g++, begin += Lanes, plain += Lanes)
        {
            for (var l = 0; l < Lanes; l++)
            {
                // In double: the ones are taken off exactly as often as they were put on.
                double sum = 0, enlarged = 0;
                for (var i = g * m.GroupSize + l; i < (g + 1) * m.GroupSize; i += Lanes)
                {
                    sum += x[i];
                    x[i] *= (i / Lanes & 1) == 0 ? 256 : 16;
                    enlarged += x[i];
                }

                begin[l] = (float)-(enlarged + Middle * sum);
                if (!m.IsSymmetric) plain[l] = (float)sum;
            }
        }
    }

    /// <summary>Outputs <paramref name="from"/> to <paramref name="to"/> (exclusive) of every row, without the bias.</summary>
    /// <param name="m">The weights.</param>
    /// <param name="x">One prepared row per pointer.</param>
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
                    for (var i = 0; i < count; i++) y[b][r + i] = One<T>(m, r + i, x[b]);
                }
            }
        }
    }

    private static float One<T>(KernelMatrix m, int row, float* x)
        where T : struct, ILanes<T>
    {
        var words = (uint*)(m.Data + row * m.RowBytes);
        var (perChunk, first) = (KernelMatrix.Chunk / m.GroupSize, (long)row * m.Groups);
        float* scales = m.Scales + first;
        var zeros = m.Zeros is null ? null : m.Zeros + first;
        float* begin = x + m.Padded, plain = begin + Lanes * m.Groups;
        var sum = T.Splat(0);
        for (var (chunk, g) = (0, 0); chunk < m.Padded / KernelMatrix.Chunk; chunk++, g += perChunk)
        {
            for (var half = 0; half < Lanes; half += T.Count)
            {
                var w = T.Bits(words + chunk * Lanes + half);
                var v = x + chunk * KernelMatrix.Chunk + half;
                var group = g;
                var part = Begin<T>(begin, plain, zeros, group, half);
                for (var pair = 0; pair < 4; pair++, v += 32)
                {
                    if (pair > 0 && Ends(perChunk, pair))
                    {
                        sum = T.MultiplyAdd(part, T.Splat(scales[group++]), sum);
                        part = Begin<T>(begin, plain, zeros, group, half);
                    }

                    part = Step(pair switch { 0 => T.Left(w, 15), 1 => T.Left(w, 7), 2 => T.Right(w, 1), _ => T.Right(w, 9) }, v, part);
                }

                sum = T.MultiplyAdd(part, T.Splat(scales[group]), sum);
            }
        }

        return T.Sum(sum);
    }

    private static void Four<T>(KernelMatrix m, int row, float* x, float* y)
        where T : struct, ILanes<T>
    {
        var stride = m.RowBytes / 4;
        uint* a = (uint*)(m.Data + row * m.RowBytes), b = a + stride, c = b + stride, d = c + stride;
        var (groups, perChunk, chunks) = (m.Groups, KernelMatrix.Chunk / m.GroupSize, m.Padded / KernelMatrix.Chunk);
        float* sa = m.Scales + (long)row * groups, sb = sa + groups, sc = sb + groups, sd = sc + groups;
        var za = m.Zeros is null ? null : m.Zeros + (long)row * groups;
        byte* zb = za is null ? null : za + groups, zc = za is null ? null : zb + groups, zd = za is null ? null : zc + groups;
        float* begin = x + m.Padded, plain = begin + Lanes * groups;
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        for (var (chunk, first) = (0, 0); chunk < chunks; chunk++, first += perChunk)
        {
            for (var half = 0; half < Lanes; half += T.Count)
            {
                var word = chunk * Lanes + half;
                T w0 = T.Bits(a + word), w1 = T.Bits(b + word), w2 = T.Bits(c + word), w3 = T.Bits(d + word);
                var v = x + chunk * KernelMatrix.Chunk + half;
                var g = first;
                T p0 = Begin<T>(begin, plain, za, g, half), p1 = Begin<T>(begin, plain, zb, g, half);
                T p2 = Begin<T>(begin, plain, zc, g, half), p3 = Begin<T>(begin, plain, zd, g, half);
                p0 = Step(T.Left(w0, 15), v, p0);
                p1 = Step(T.Left(w1, 15), v, p1);
                p2 = Step(T.Left(w2, 15), v, p2);
                p3 = Step(T.Left(w3, 15), v, p3);
                if (perChunk == 4)
                {
                    Next(ref p0, ref s0, sa, za, begin, plain, g, half);
                    Next(ref p1, ref s1, sb, zb, begin, plain, g, half);
                    Next(ref p2, ref s2, sc, zc, begin, plain, g, half);
                    Next(ref p3, ref s3, sd, zd, begin, plain, g++, half);
                }

                p0 = Step(T.Left(w0, 7), v + 32, p0);
                p1 = Step(T.Left(w1, 7), v + 32, p1);
                p2 = Step(T.Left(w2, 7), v + 32, p2);
                p3 = Step(T.Left(w3, 7), v + 32, p3);
                if (perChunk > 1)
                {
                    Next(ref p0, ref s0, sa, za, begin, plain, g, half);
                    Next(ref p1, ref s1, sb, zb, begin, plain, g, half);
                    Next(ref p2, ref s2, sc, zc, begin, plain, g, half);
                    Next(ref p3, ref s3, sd, zd, begin, plain, g++, half);
                }

                p0 = Step(T.Right(w0, 1), v + 64, p0);
                p1 = Step(T.Right(w1, 1), v + 64, p1);
                p2 = Step(T.Right(w2, 1), v + 64, p2);
                p3 = Step(T.Right(w3, 1), v + 64, p3);
                if (perChunk == 4)
                {
                    Next(ref p0, ref s0, sa, za, begin, plain, g, half);
                    Next(ref p1, ref s1, sb, zb, begin, plain, g, half);
                    Next(ref p2, ref s2, sc, zc, begin, plain, g, half);
                    Next(ref p3, ref s3, sd, zd, begin, plain, g++, half);
                }

                s0 = T.MultiplyAdd(Step(T.Right(w0, 9), v + 96, p0), T.Splat(sa[g]), s0);
                s1 = T.MultiplyAdd(Step(T.Right(w1, 9), v + 96, p1), T.Splat(sb[g]), s1);
                s2 = T.MultiplyAdd(Step(T.Right(w2, 9), v + 96, p2), T.Splat(sc[g]), s2);
                s3 = T.MultiplyAdd(Step(T.Right(w3, 9), v + 96, p3), T.Splat(sd[g]), s3);
            }
        }

        y[row] = T.Sum(s0);
        y[row + 1] = T.Sum(s1);
        y[row + 2] = T.Sum(s2);
        y[row + 3] = T.Sum(s3);
    }

    // Two outputs of four rows: a code is made a float once for four products.
    private static void TwoByFour<T>(KernelMatrix m, int row, float** x, float** y)
        where T : struct, ILanes<T>
    {
        uint* a = (uint*)(m.Data + row * m.RowBytes), b = a + m.RowBytes / 4;
        var (groups, perChunk, chunks) = (m.Groups, KernelMatrix.Chunk / m.GroupSize, m.Padded / KernelMatrix.Chunk);
        float* sa = m.Scales + (long)row * groups, sb = sa + groups;
        var za = m.Zeros is null ? null : m.Zeros + (long)row * groups;
        var zb = za is null ? null : za + groups;
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        var (begin, plain) = (m.Padded, m.Padded + Lanes * groups);
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (var (chunk, first) = (0, 0); chunk < chunks; chunk++, first += perChunk)
        {
            for (var half = 0; half < Lanes; half += T.Count)
            {
                T wa = T.Bits(a + chunk * Lanes + half), wb = T.Bits(b + chunk * Lanes + half);
                var at = chunk * KernelMatrix.Chunk + half;
                var g = first;
                T p0 = Begin<T>(x0 + begin, x0 + plain, za, g, half), p1 = Begin<T>(x1 + begin, x1 + plain, za, g, half);
                T p2 = Begin<T>(x2 + begin, x2 + plain, za, g, half), p3 = Begin<T>(x3 + begin, x3 + plain, za, g, half);
                T q0 = Begin<T>(x0 + begin, x0 + plain, zb, g, half), q1 = Begin<T>(x1 + begin, x1 + plain, zb, g, half);
                T q2 = Begin<T>(x2 + begin, x2 + plain, zb, g, half), q3 = Begin<T>(x3 + begin, x3 + plain, zb, g, half);
                for (var pair = 0; pair < 4; pair++, at += 32)
                {
                    if (pair > 0 && Ends(perChunk, pair))
                    {
                        Next(ref p0, ref a0, sa, za, x0 + begin, x0 + plain, g, half);
                        Next(ref p1, ref a1, sa, za, x1 + begin, x1 + plain, g, half);
                        Next(ref p2, ref a2, sa, za, x2 + begin, x2 + plain, g, half);
                        Next(ref p3, ref a3, sa, za, x3 + begin, x3 + plain, g, half);
                        Next(ref q0, ref b0, sb, zb, x0 + begin, x0 + plain, g, half);
                        Next(ref q1, ref b1, sb, zb, x1 + begin, x1 + plain, g, half);
                        Next(ref q2, ref b2, sb, zb, x2 + begin, x2 + plain, g, half);
                        Next(ref q3, ref b3, sb, zb, x3 + begin, x3 + plain, g++, half);
                    }

                    T ca, cb;
                    switch (pair)
                    {
                        case 0: (ca, cb) = (T.Left(wa, 15), T.Left(wb, 15)); break;
                        case 1: (ca, cb) = (T.Left(wa, 7), T.Left(wb, 7)); break;
                        case 2: (ca, cb) = (T.Right(wa, 1), T.Right(wb, 1)); break;
                        default: (ca, cb) = (T.Right(wa, 9), T.Right(wb, 9)); break;
                    }

                    T al = T.Mantissa(ca, Low), ah = T.Mantissa(ca, High), bl = T.Mantissa(cb, Low), bh = T.Mantissa(cb, High);
                    T l = T.Load(x0 + at), h = T.Load(x0 + at + 16);
                    p0 = T.MultiplyAdd(ah, h, T.MultiplyAdd(al, l, p0));
                    q0 = T.MultiplyAdd(bh, h, T.MultiplyAdd(bl, l, q0));
                    (l, h) = (T.Load(x1 + at), T.Load(x1 + at + 16));
                    p1 = T.MultiplyAdd(ah, h, T.MultiplyAdd(al, l, p1));
                    q1 = T.MultiplyAdd(bh, h, T.MultiplyAdd(bl, l, q1));
                    (l, h) = (T.Load(x2 + at), T.Load(x2 + at + 16));
                    p2 = T.MultiplyAdd(ah, h, T.MultiplyAdd(al, l, p2));
                    q2 = T.MultiplyAdd(bh, h, T.MultiplyAdd(bl, l, q2));
                    (l, h) = (T.Load(x3 + at), T.Load(x3 + at + 16));
                    p3 = T.MultiplyAdd(ah, h, T.MultiplyAdd(al, l, p3));
                    q3 = T.MultiplyAdd(bh, h, T.MultiplyAdd(bl, l, q3));
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
        }

        y[0][row] = T.Sum(a0);
        y[1][row] = T.Sum(a1);
        y[2][row] = T.Sum(a2);
        y[3][row] = T.Sum(a3);
        y[0][row + 1] = T.Sum(b0);
        y[1][row + 1] = T.Sum(b1);
        y[2][row + 1] = T.Sum(b2);
        y[3][row + 1] = T.Sum(b3);
    }

    // Groups of 64 end after two pairs of codes, groups of 32 after each.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Ends(int perChunk, int pair) => perChunk == 4 || (perChunk == 2 && pair == 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Begin<T>(float* begin, float* plain, byte* zeros, int group, int half)
        where T : struct, ILanes<T>
    {
        var start = T.Load(begin + group * Lanes + half);
        return zeros is null ? start : T.MultiplyAdd(T.Splat(Middle - zeros[group]), T.Load(plain + group * Lanes + half), start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Next<T>(ref T part, ref T sum, float* scales, byte* zeros, float* begin, float* plain, int group, int half)
        where T : struct, ILanes<T>
    {
        sum = T.MultiplyAdd(part, T.Splat(scales[group]), sum);
        part = Begin<T>(begin, plain, zeros, group + 1, half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Step<T>(T pair, float* x, T sum)
        where T : struct, ILanes<T> => T.MultiplyAdd(T.Mantissa(pair, High), T.Load(x + 16), T.MultiplyAdd(T.Mantissa(pair, Low), T.Load(x), sum));
}
