namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Products with signed bytes.</summary>
internal readonly unsafe struct Int8Kernel<T> : IQuantizedKernel
    where T : struct, ILanes<T>
{
    // Bytes of a row that a cache line holds.
    private const int Line = 64;

    public static void Four(KernelMatrix m, int row, int apart, float* x, float* y)
    {
        var stride = apart * m.RowBytes;
        sbyte* a = (sbyte*)m.Data + row * m.RowBytes, b = a + stride, c = b + stride, d = c + stride;
        var (segment, perGroup) = (m.Segment, m.GroupSize / m.Segment);
        var zeros = m.Zeros;
        long ga = (long)row * m.Groups, between = (long)apart * m.Groups; // the output's group
        long gb = ga + between, gc = gb + between, gd = gc + between;
        var scales = x + m.ScalesAt;
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        var q = (uint*)x;
        for (var (s, left) = (0, perGroup); s < m.Segments; s++)
        {
            var sum = m.NeedsSums ? (int*)scales + m.Segments + s : null;
            T p0 = QuantizedKernel.Begin<T>(sum, zeros, ga), p1 = QuantizedKernel.Begin<T>(sum, zeros, gb);
            T p2 = QuantizedKernel.Begin<T>(sum, zeros, gc), p3 = QuantizedKernel.Begin<T>(sum, zeros, gd);
            for (var i = 0; i < segment; i += Line)
            {
                Prefetch.Line(a + i + Prefetch.Distance);
                Prefetch.Line(b + i + Prefetch.Distance);
                Prefetch.Line(c + i + Prefetch.Distance);
                Prefetch.Line(d + i + Prefetch.Distance);
            }

            for (var i = 0; i < segment; i += 2 * T.Count)
            {
                var v = T.Bits(q + i / 2);
                p0 = T.MultiplyPairs(T.Pairs(a + i), v, p0);
                p1 = T.MultiplyPairs(T.Pairs(b + i), v, p1);
                p2 = T.MultiplyPairs(T.Pairs(c + i), v, p2);
                p3 = T.MultiplyPairs(T.Pairs(d + i), v, p3);
            }

            s0 = QuantizedKernel.Scale(p0, scales[s] * m.Scales[ga], s0);
            s1 = QuantizedKernel.Scale(p1, scales[s] * m.Scales[gb], s1);
            s2 = QuantizedKernel.Scale(p2, scales[s] * m.Scales[gc], s2);
            s3 = QuantizedKernel.Scale(p3, scales[s] * m.Scales[gd], s3);
            a += segment;
            b += segment;
            c += segment;
            d += segment;
            q += segment / 2;
            if (--left > 0) continue;
            (left, ga, gb, gc, gd) = (perGroup, ga + 1, gb + 1, gc + 1, gd + 1);
        }

        y[row] = T.Sum(s0);
        y[row + apart] = T.Sum(s1);
        y[row + 2 * apart] = T.Sum(s2);
        y[row + 3 * apart] = T.Sum(s3);
    }

    public static void TwoByFour(KernelMatrix m, int row, int apart, float** x, float** y)
    {
        sbyte* a = (sbyte*)m.Data + row * m.RowBytes, b = a + apart * m.RowBytes;
        var (segment, perGroup, at) = (m.Segment, m.GroupSize / m.Segment, m.ScalesAt);
        var zeros = m.Zeros;
        long ga = (long)row * m.Groups, gb = ga + (long)apart * m.Groups; // the output's group
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (var (s, left) = (0, perGroup); s < m.Segments; s++)
        {
            var sum = at + m.Segments + s;
            int* u0 = m.NeedsSums ? (int*)x0 + sum : null, u1 = m.NeedsSums ? (int*)x1 + sum : null;
            int* u2 = m.NeedsSums ? (int*)x2 + sum : null, u3 = m.NeedsSums ? (int*)x3 + sum : null;
            T p0 = QuantizedKernel.Begin<T>(u0, zeros, ga), r0 = QuantizedKernel.Begin<T>(u0, zeros, gb);
            T p1 = QuantizedKernel.Begin<T>(u1, zeros, ga), r1 = QuantizedKernel.Begin<T>(u1, zeros, gb);
            T p2 = QuantizedKernel.Begin<T>(u2, zeros, ga), r2 = QuantizedKernel.Begin<T>(u2, zeros, gb);
            T p3 = QuantizedKernel.Begin<T>(u3, zeros, ga), r3 = QuantizedKernel.Begin<T>(u3, zeros, gb);
            for (var i = s * segment; i < (s + 1) * segment; i += 2 * T.Count)
            {
                T wa = T.Pairs(a + i), wb = T.Pairs(b + i), v = T.Load(x0 + i / 2); // a float holds two activations
                p0 = T.MultiplyPairs(wa, v, p0);
                r0 = T.MultiplyPairs(wb, v, r0);
                v = T.Load(x1 + i / 2);
                p1 = T.MultiplyPairs(wa, v, p1);
                r1 = T.MultiplyPairs(wb, v, r1);
                v = T.Load(x2 + i / 2);
                p2 = T.MultiplyPairs(wa, v, p2);
                r2 = T.MultiplyPairs(wb, v, r2);
                v = T.Load(x3 + i / 2);
                p3 = T.MultiplyPairs(wa, v, p3);
                r3 = T.MultiplyPairs(wb, v, r3);
            }

            a0 = QuantizedKernel.Scale(p0, x0[at + s] * m.Scales[ga], a0);
            b0 = QuantizedKernel.Scale(r0, x0[at + s] * m.Scales[gb], b0);
            a1 = QuantizedKernel.Scale(p1, x1[at + s] * m.Scales[ga], a1);
            b1 = QuantizedKernel.Scale(r1, x1[at + s] * m.Scales[gb], b1);
            a2 = QuantizedKernel.Scale(p2, x2[at + s] * m.Scales[ga], a2);
            b2 = QuantizedKernel.Scale(r2, x2[at + s] * m.Scales[gb], b2);
            a3 = QuantizedKernel.Scale(p3, x3[at + s] * m.Scales[ga], a3);
            b3 = QuantizedKernel.Scale(r3, x3[at + s] * m.Scales[gb], b3);
            if (--left > 0) continue;
            (left, ga, gb) = (perGroup, ga + 1, gb + 1);
        }

        QuantizedKernel.Store(y, row, a0, a1, a2, a3);
        QuantizedKernel.Store(y, row + apart, b0, b1, b2, b3);
    }
}
