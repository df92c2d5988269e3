using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>
/// Products with 4-bit codes as they are (0 to 15): a 16-bit half holds the codes of four inputs 32 apart, so that each of its nibbles
/// meets consecutive activations.
/// </summary>
internal readonly unsafe struct Int4Kernel<T> : IQuantizedKernel
    where T : struct, ILanes<T>
{
    // 32-bit words of a chunk.
    private const int Words = KernelMatrix.Chunk / 8;

    public static void Four(KernelMatrix m, int row, int apart, float* x, float* y)
    {
        if (m.ActivationBits == 8) FourBytes(m, row, apart, x, y);
        else if (m.GroupSize == KernelMatrix.Chunk) Four128(m, row, apart, x, y);
        else if (m.GroupSize == 64) Four64(m, row, apart, x, y);
        else Four32(m, row, apart, x, y);
    }

    public static void TwoByFour(KernelMatrix m, int row, int apart, float** x, float** y)
    {
        if (m.ActivationBits == 8)
        {
            TwoByFourBytes(m, row, apart, x, y);
            return;
        }

        uint* a = (uint*)(m.Data + row * m.RowBytes), b = a + apart * m.RowBytes / 4;
        var (groups, at) = (m.Groups, m.ScalesAt);
        float* sa = m.Scales + (long)row * groups, sb = sa + (long)apart * groups;
        long ga = (long)row * groups, gb = ga + (long)apart * groups; // the output's groups
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        int* u0 = (int*)x0 + at + groups, u1 = (int*)x1 + at + groups, u2 = (int*)x2 + at + groups, u3 = (int*)x3 + at + groups;
        var (perChunk, steps) = (KernelMatrix.Chunk / m.GroupSize, m.GroupSize / 32);
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int chunk = 0, first = 0; first < groups; chunk++, first += perChunk)
        {
            for (var (g, nibble) = (first, 0); g < first + perChunk; g++, nibble += steps)
            {
                T p0 = QuantizedKernel.Begin<T>(u0 + g, m.Zeros, ga + g), r0 = QuantizedKernel.Begin<T>(u0 + g, m.Zeros, gb + g);
                T p1 = QuantizedKernel.Begin<T>(u1 + g, m.Zeros, ga + g), r1 = QuantizedKernel.Begin<T>(u1 + g, m.Zeros, gb + g);
                T p2 = QuantizedKernel.Begin<T>(u2 + g, m.Zeros, ga + g), r2 = QuantizedKernel.Begin<T>(u2 + g, m.Zeros, gb + g);
                T p3 = QuantizedKernel.Begin<T>(u3 + g, m.Zeros, ga + g), r3 = QuantizedKernel.Begin<T>(u3 + g, m.Zeros, gb + g);
                for (var half = 0; half < Words; half += T.Count)
                {
                    T wa = T.Bits(a + chunk * Words + half), wb = T.Bits(b + chunk * Words + half);
                    for (var j = 0; j < nibble; j++) (wa, wb) = (T.NextCodes(wa), T.NextCodes(wb));
                    var i = chunk * KernelMatrix.Chunk / 2 + nibble * 16 + half; // a float holds two activations
                    for (var j = 0; j < steps; j++, i += 16)
                    {
                        T ca = T.PairCodes(wa, 0), cb = T.PairCodes(wb, 0), v = T.Load(x0 + i);
                        p0 = T.MultiplyPairs(ca, v, p0);
                        r0 = T.MultiplyPairs(cb, v, r0);
                        v = T.Load(x1 + i);
                        p1 = T.MultiplyPairs(ca, v, p1);
                        r1 = T.MultiplyPairs(cb, v, r1);
                        v = T.Load(x2 + i);
                        p2 = T.MultiplyPairs(ca, v, p2);
                        r2 = T.MultiplyPairs(cb, v, r2);
                        v = T.Load(x3 + i);
                        p3 = T.MultiplyPairs(ca, v, p3);
                        r3 = T.MultiplyPairs(cb, v, r3);
                        (wa, wb) = (T.NextCodes(wa), T.NextCodes(wb));
                    }
                }

                a0 = QuantizedKernel.Scale(p0, x0[at + g] * sa[g], a0);
                b0 = QuantizedKernel.Scale(r0, x0[at + g] * sb[g], b0);
                a1 = QuantizedKernel.Scale(p1, x1[at + g] * sa[g], a1);
                b1 = QuantizedKernel.Scale(r1, x1[at + g] * sb[g], b1);
                a2 = QuantizedKernel.Scale(p2, x2[at + g] * sa[g], a2);
                b2 = QuantizedKernel.Scale(r2, x2[at + g] * sb[g], b2);
                a3 = QuantizedKernel.Scale(p3, x3[at + g] * sa[g], a3);
                b3 = QuantizedKernel.Scale(r3, x3[at + g] * sb[g], b3);
            }
        }

        QuantizedKernel.Store(y, row, a0, a1, a2, a3);
        QuantizedKernel.Store(y, row + apart, b0, b1, b2, b3);
    }

    // As above over bytes: a chunk's products are added in 16 bits.
    private static void TwoByFourBytes(KernelMatrix m, int row, int apart, float** x, float** y)
    {
        uint* a = (uint*)(m.Data + row * m.RowBytes), b = a + apart * m.RowBytes / 4;
        long groups = m.Groups, ga = row * groups, gb = ga + apart * groups; // the outputs' groups
        float* wa = m.Scales + ga, wb = m.Scales + gb;
        var zeros = m.Zeros;
        uint* x0 = (uint*)x[0], x1 = (uint*)x[1], x2 = (uint*)x[2], x3 = (uint*)x[3];
        float* s0 = x[0] + m.ScalesAt, s1 = x[1] + m.ScalesAt, s2 = x[2] + m.ScalesAt, s3 = x[3] + m.ScalesAt;
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (long g = 0; g < groups; g++)
        {
            T p0 = T.Splat(0), p1 = p0, p2 = p0, p3 = p0, r0 = p0, r1 = p0, r2 = p0, r3 = p0;
            for (var half = 0; half < Words; half += T.Count)
            {
                T ca = T.Bits(a + half), cb = T.Bits(b + half);
                for (var i = half; i < 2 * Words; i += Words)
                {
                    T na = T.ByteCodes(ca), nb = T.ByteCodes(cb), v = T.Bits(x0 + i);
                    p0 = T.MultiplyBytes(na, v, p0);
                    r0 = T.MultiplyBytes(nb, v, r0);
                    v = T.Bits(x1 + i);
                    p1 = T.MultiplyBytes(na, v, p1);
                    r1 = T.MultiplyBytes(nb, v, r1);
                    v = T.Bits(x2 + i);
                    p2 = T.MultiplyBytes(na, v, p2);
                    r2 = T.MultiplyBytes(nb, v, r2);
                    v = T.Bits(x3 + i);
                    p3 = T.MultiplyBytes(na, v, p3);
                    r3 = T.MultiplyBytes(nb, v, r3);
                    (ca, cb) = (T.NextCodes(ca), T.NextCodes(cb));
                }
            }

            // QuantizedKernel.Begin's values, each zero point read once for four rows.
            int oa = QuantizedKernel.ZeroPoint(zeros, ga + g), ob = QuantizedKernel.ZeroPoint(zeros, gb + g);
            float *t0 = s0 + g, t1 = s1 + g, t2 = s2 + g, t3 = s3 + g;
            int u0 = ((int*)t0)[groups], u1 = ((int*)t1)[groups], u2 = ((int*)t2)[groups], u3 = ((int*)t3)[groups];
            a0 = Add(p0, oa * u0, *t0 * wa[g], a0);
            b0 = Add(r0, ob * u0, *t0 * wb[g], b0);
            a1 = Add(p1, oa * u1, *t1 * wa[g], a1);
            b1 = Add(r1, ob * u1, *t1 * wb[g], b1);
            a2 = Add(p2, oa * u2, *t2 * wa[g], a2);
            b2 = Add(r2, ob * u2, *t2 * wb[g], b2);
            a3 = Add(p3, oa * u3, *t3 * wa[g], a3);
            b3 = Add(r3, ob * u3, *t3 * wb[g], b3);
            a += Words;
            b += Words;
            x0 += 2 * Words;
            x1 += 2 * Words;
            x2 += 2 * Words;
            x3 += 2 * Words;
        }

        QuantizedKernel.Store(y, row, a0, a1, a2, a3);
        QuantizedKernel.Store(y, row + apart, b0, b1, b2, b3);
    }

    // A chunk's products over bytes, less its zero point, times its scales.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Add(T products, int first, float scale, T sum) =>
        QuantizedKernel.Scale(T.AddProducts(products, T.FirstInteger(first)), scale, sum);

    // Each length of a group is compiled for itself, in a method with all registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Four128(KernelMatrix m, int row, int apart, float* x, float* y) => Four(m, row, apart, x, y, KernelMatrix.Chunk);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Four64(KernelMatrix m, int row, int apart, float* x, float* y) => Four(m, row, apart, x, y, 64);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Four32(KernelMatrix m, int row, int apart, float* x, float* y) => Four(m, row, apart, x, y, 32);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FourBytes(KernelMatrix m, int row, int apart, float* x, float* y) =>
        Four(m, row, apart, x, y, KernelMatrix.Chunk, bytes: true);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Four(
        KernelMatrix m, int row, int apart, float* x, float* y, [ConstantExpected] int group, [ConstantExpected] bool bytes = false)
    {
        var stride = apart * m.RowBytes / 4;
        uint* a = (uint*)(m.Data + row * m.RowBytes), b = a + stride, c = b + stride, d = c + stride;
        long g = (long)row * m.Groups, between = (long)apart * m.Groups; // the first output's group
        float* ws = m.Scales;
        var zeros = m.Zeros;
        float* scales = x + m.ScalesAt, end = scales;
        var sums = (int*)(scales + m.Segments);
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        for (var q = (uint*)x; q < end; q += KernelMatrix.Chunk / (bytes ? 4 : 2))
        {
            s0 = Add(a, q, group, bytes, scales, sums, ws, zeros, g, s0);
            s1 = Add(b, q, group, bytes, scales, sums, ws, zeros, g + between, s1);
            s2 = Add(c, q, group, bytes, scales, sums, ws, zeros, g + 2 * between, s2);
            s3 = Add(d, q, group, bytes, scales, sums, ws, zeros, g + 3 * between, s3);
            a += Words;
            b += Words;
            c += Words;
            d += Words;
            scales += KernelMatrix.Chunk / group;
            sums += KernelMatrix.Chunk / group;
            g += KernelMatrix.Chunk / group;
        }

        y[row] = T.Sum(s0);
        y[row + apart] = T.Sum(s1);
        y[row + 2 * apart] = T.Sum(s2);
        y[row + 3 * apart] = T.Sum(s3);
    }

    // One chunk of one output: its products with each nibble's activations, added as the groups allow.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Add(uint* w, uint* q, [ConstantExpected] int group, [ConstantExpected] bool bytes, float* x, int* sums, float* scales,
        byte* zeros, long at, T sum)
    {
        Prefetch.Line((byte*)w + Prefetch.Distance);
        if (bytes)
        {
            var products = T.Splat(0);
            for (var half = 0; half < Words; half += T.Count)
            {
                var codes = T.Bits(w + half);
                products = T.MultiplyBytes(T.ByteCodes(codes), T.Bits(q + half), products);
                products = T.MultiplyBytes(T.ByteCodes(T.NextCodes(codes)), T.Bits(q + half + Words), products);
            }

            var integers = T.AddProducts(products, QuantizedKernel.Begin<T>(sums, zeros, at));
            return QuantizedKernel.Scale(integers, x[0] * scales[at], sum);
        }

        if (group == KernelMatrix.Chunk)
        {
            // One sum, not four added behind the loop: 16 GB/s of weights from the caches on AVX2, not 9 (docs/log.md).
            var all = QuantizedKernel.Begin<T>(sums, zeros, at);
            for (var half = 0; half < Words; half += T.Count)
            {
                var codes = T.Bits(w + half);
                all = T.MultiplyPairs(T.PairCodes(codes, 0), T.Bits(q + half), all);
                all = T.MultiplyPairs(T.PairCodes(codes, 1), T.Bits(q + half + 16), all);
                all = T.MultiplyPairs(T.PairCodes(codes, 2), T.Bits(q + half + 32), all);
                all = T.MultiplyPairs(T.PairCodes(codes, 3), T.Bits(q + half + 48), all);
            }

            return QuantizedKernel.Scale(all, x[0] * scales[at], sum);
        }

        // A group's sum begins in the first of its nibbles.
        var zero = T.Splat(0);
        T p0 = QuantizedKernel.Begin<T>(sums, zeros, at), p1 = group == 32 ? QuantizedKernel.Begin<T>(sums + 1, zeros, at + 1) : zero;
        T p2 = group == 32 ? QuantizedKernel.Begin<T>(sums + 2, zeros, at + 2)
            : group == 64 ? QuantizedKernel.Begin<T>(sums + 1, zeros, at + 1) : zero;
        var p3 = group == 32 ? QuantizedKernel.Begin<T>(sums + 3, zeros, at + 3) : zero;
        for (var half = 0; half < Words; half += T.Count)
        {
            var codes = T.Bits(w + half);
            p0 = T.MultiplyPairs(T.PairCodes(codes, 0), T.Bits(q + half), p0);
            p1 = T.MultiplyPairs(T.PairCodes(codes, 1), T.Bits(q + half + 16), p1);
            p2 = T.MultiplyPairs(T.PairCodes(codes, 2), T.Bits(q + half + 32), p2);
            p3 = T.MultiplyPairs(T.PairCodes(codes, 3), T.Bits(q + half + 48), p3);
        }

        if (group == 32)
        {
            sum = QuantizedKernel.Scale(p0, x[0] * scales[at], sum);
            sum = QuantizedKernel.Scale(p1, x[1] * scales[at + 1], sum);
            sum = QuantizedKernel.Scale(p2, x[2] * scales[at + 2], sum);
            return QuantizedKernel.Scale(p3, x[3] * scales[at + 3], sum);
        }

        sum = QuantizedKernel.Scale(T.AddIntegers(p0, p1), x[0] * scales[at], sum);
        return QuantizedKernel.Scale(T.AddIntegers(p2, p3), x[1] * scales[at + 1], sum);
    }
}
