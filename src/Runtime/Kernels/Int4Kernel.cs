using System.Runtime.CompilerServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>y = W x over 4-bit codes in groups: a word holds the codes of eight inputs 16 apart, so that a shift a step
/// meets consecutive activations.</summary>
internal static unsafe class Int4Kernel
{
    private const float Middle = 8;

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
                    for (var i = 0; i < count; i++) One<T>(m, r + i, x[b], y[b]);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Zero(byte* zeros, long at) => zeros is null ? Middle : zeros[at];

    private static void One<T>(KernelMatrix m, int row, float* x, float* y)
        where T : struct, ILanes<T>
    {
        var words = (uint*)(m.Data + row * m.RowBytes);
        var first = (long)row * m.Groups;
        var perChunk = KernelMatrix.Chunk / m.GroupSize;
        var steps = 8 / perChunk;
        var sum = T.Splat(0);
        for (var chunk = 0; chunk < m.Padded / KernelMatrix.Chunk; chunk++)
        {
            for (var half = 0; half < 16; half += T.Count)
            {
                var w = T.Bits(words + chunk * 16 + half);
                var v = x + chunk * KernelMatrix.Chunk + half;
                for (var g = 0; g < perChunk; g++)
                {
                    var at = first + chunk * perChunk + g;
                    var table = T.CodeTable(Zero(m.Zeros, at));
                    var part = T.Splat(0);
                    for (var j = 0; j < steps; j++, v += 16)
                    {
                        part = T.MultiplyAdd(T.Codes(w, table), T.Load(v), part);
                        w = T.NextCodes(w);
                    }

                    sum = T.MultiplyAdd(part, T.Splat(m.Scales[at]), sum);
                }
            }
        }

        y[row] = T.Sum(sum);
    }

    private static void Four<T>(KernelMatrix m, int row, float* x, float* y)
        where T : struct, ILanes<T>
    {
        var stride = m.RowBytes / 4;
        uint* a = (uint*)(m.Data + row * m.RowBytes), b = a + stride, c = b + stride, d = c + stride;
        var groups = m.Groups;
        float* sa = m.Scales + (long)row * groups, sb = sa + groups, sc = sb + groups, sd = sc + groups;
        var zeros = m.Zeros is null ? null : m.Zeros + (long)row * groups;
        var perChunk = KernelMatrix.Chunk / m.GroupSize;
        var steps = 8 / perChunk;
        var chunks = m.Padded / KernelMatrix.Chunk;
        var middle = T.CodeTable(Middle);
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            for (var half = 0; half < 16; half += T.Count)
            {
                var word = chunk * 16 + half;
                T w0 = T.Bits(a + word), w1 = T.Bits(b + word), w2 = T.Bits(c + word), w3 = T.Bits(d + word);
                var v = x + chunk * KernelMatrix.Chunk + half;
                for (var g = chunk * perChunk; g < (chunk + 1) * perChunk; g++)
                {
                    T t0 = middle, t1 = middle, t2 = middle, t3 = middle;
                    if (zeros is not null)
                    {
                        t0 = T.CodeTable(zeros[g]);
                        t1 = T.CodeTable(zeros[groups + g]);
                        t2 = T.CodeTable(zeros[2 * groups + g]);
                        t3 = T.CodeTable(zeros[3 * groups + g]);
                    }

                    T p0 = T.Splat(0), p1 = p0, p2 = p0, p3 = p0;
                    for (var j = 0; j < steps; j++, v += 16)
                    {
                        var value = T.Load(v);
                        p0 = T.MultiplyAdd(T.Codes(w0, t0), value, p0);
                        p1 = T.MultiplyAdd(T.Codes(w1, t1), value, p1);
                        p2 = T.MultiplyAdd(T.Codes(w2, t2), value, p2);
                        p3 = T.MultiplyAdd(T.Codes(w3, t3), value, p3);
                        (w0, w1, w2, w3) = (T.NextCodes(w0), T.NextCodes(w1), T.NextCodes(w2), T.NextCodes(w3));
                    }

                    s0 = T.MultiplyAdd(p0, T.Splat(sa[g]), s0);
                    s1 = T.MultiplyAdd(p1, T.Splat(sb[g]), s1);
                    s2 = T.MultiplyAdd(p2, T.Splat(sc[g]), s2);
                    s3 = T.MultiplyAdd(p3, T.Splat(sd[g]), s3);
                }
            }
        }

        y[row] = T.Sum(s0);
        y[row + 1] = T.Sum(s1);
        y[row + 2] = T.Sum(s2);
        y[row + 3] = T.Sum(s3);
    }

    private static void TwoByFour<T>(KernelMatrix m, int row, float** x, float** y)
        where T : struct, ILanes<T>
    {
        uint* a = (uint*)(m.Data + row * m.RowBytes), b = a + m.RowBytes / 4;
        var groups = m.Groups;
        float* sa = m.Scales + (long)row * groups, sb = sa + groups;
        var zeros = m.Zeros is null ? null : m.Zeros + (long)row * groups;
        var perChunk = KernelMatrix.Chunk / m.GroupSize;
        var steps = 8 / perChunk;
        var chunks = m.Padded / KernelMatrix.Chunk;
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            for (var half = 0; half < 16; half += T.Count)
            {
                var word = chunk * 16 + half;
                T w0 = T.Bits(a + word), w1 = T.Bits(b + word);
                var at = chunk * KernelMatrix.Chunk + half;
                for (var g = chunk * perChunk; g < (chunk + 1) * perChunk; g++)
                {
                    T t0 = T.CodeTable(zeros is null ? Middle : zeros[g]), t1 = T.CodeTable(zeros is null ? Middle : zeros[groups + g]);
                    T p0 = T.Splat(0), p1 = p0, p2 = p0, p3 = p0, q0 = p0, q1 = p0, q2 = p0, q3 = p0;
                    for (var j = 0; j < steps; j++, at += 16)
                    {
                        T ca = T.Codes(w0, t0), cb = T.Codes(w1, t1), v = T.Load(x0 + at);
                        p0 = T.MultiplyAdd(ca, v, p0);
                        q0 = T.MultiplyAdd(cb, v, q0);
                        v = T.Load(x1 + at);
                        p1 = T.MultiplyAdd(ca, v, p1);
                        q1 = T.MultiplyAdd(cb, v, q1);
                        v = T.Load(x2 + at);
                        p2 = T.MultiplyAdd(ca, v, p2);
                        q2 = T.MultiplyAdd(cb, v, q2);
                        v = T.Load(x3 + at);
                        p3 = T.MultiplyAdd(ca, v, p3);
                        q3 = T.MultiplyAdd(cb, v, q3);
                        (w0, w1) = (T.NextCodes(w0), T.NextCodes(w1));
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
}
