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
        var (groups, segment, perGroup) = (m.Groups, m.Segment, m.GroupSize / m.Segment);
        var between = (long)apart * groups;
        float* sa = m.Scales + (long)row * groups, sb = sa + between, sc = sb + between, sd = sc + between;
        var za = m.Zeros is null ? null : (sbyte*)m.Zeros + (long)row * groups;
        sbyte* zb = za is null ? null : za + between, zc = za is null ? null : zb + between, zd = za is null ? null : zc + between;
        var scales = x + m.Padded / 2;
        var sums = m.NeedsSums ? (int*)(scales + m.Segments) : null;
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        var q = (uint*)x;
        for (var (s, left) = (0, perGroup); s < m.Segments; s++)
        {
            T p0 = QuantizedKernel.Begin<T>(sums, za), p1 = QuantizedKernel.Begin<T>(sums, zb);
            T p2 = QuantizedKernel.Begin<T>(sums, zc), p3 = QuantizedKernel.Begin<T>(sums, zd);
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

            s0 = QuantizedKernel.Scale(p0, scales[s] * *sa, s0);
            s1 = QuantizedKernel.Scale(p1, scales[s] * *sb, s1);
            s2 = QuantizedKernel.Scale(p2, scales[s] * *sc, s2);
            s3 = QuantizedKernel.Scale(p3, scales[s] * *sd, s3);
            a += segment;
            b += segment;
            c += segment;
            d += segment;
            q += segment / 2;
            if (sums is not null) sums++;
            if (--left > 0) continue;
            left = perGroup;
            sa++;
            sb++;
            sc++;
            sd++;
            if (za is null) continue;
            za++;
            zb++;
            zc++;
            zd++;
        }

        y[row] = T.Sum(s0);
        y[row + apart] = T.Sum(s1);
        y[row + 2 * apart] = T.Sum(s2);
        y[row + 3 * apart] = T.Sum(s3);
    }

    public static void TwoByFour(KernelMatrix m, int row, int apart, float** x, float** y)
    {
        sbyte* a = (sbyte*)m.Data + row * m.RowBytes, b = a + apart * m.RowBytes;
        var (groups, segment, perGroup, at) = (m.Groups, m.Segment, m.GroupSize / m.Segment, m.Padded / 2);
        float* sa = m.Scales + (long)row * groups, sb = sa + (long)apart * groups;
        var za = m.Zeros is null ? null : (sbyte*)m.Zeros + (long)row * groups;
        var zb = za is null ? null : za + (long)apart * groups;
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (var (s, left) = (0, perGroup); s < m.Segments; s++)
        {
            int* u0 = null, u1 = null, u2 = null, u3 = null;
            if (m.NeedsSums)
            {
                var place = at + m.Segments + s;
                u0 = (int*)x0 + place;
                u1 = (int*)x1 + place;
                u2 = (int*)x2 + place;
                u3 = (int*)x3 + place;
            }

            T p0 = QuantizedKernel.Begin<T>(u0, za), r0 = QuantizedKernel.Begin<T>(u0, zb);
            T p1 = QuantizedKernel.Begin<T>(u1, za), r1 = QuantizedKernel.Begin<T>(u1, zb);
            T p2 = QuantizedKernel.Begin<T>(u2, za), r2 = QuantizedKernel.Begin<T>(u2, zb);
            T p3 = QuantizedKernel.Begin<T>(u3, za), r3 = QuantizedKernel.Begin<T>(u3, zb);
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

            a0 = QuantizedKernel.Scale(p0, x0[at + s] * *sa, a0);
            b0 = QuantizedKernel.Scale(r0, x0[at + s] * *sb, b0);
            a1 = QuantizedKernel.Scale(p1, x1[at + s] * *sa, a1);
            b1 = QuantizedKernel.Scale(r1, x1[at + s] * *sb, b1);
            a2 = QuantizedKernel.Scale(p2, x2[at + s] * *sa, a2);
            b2 = QuantizedKernel.Scale(r2, x2[at + s] * *sb, b2);
            a3 = QuantizedKernel.Scale(p3, x3[at + s] * *sa, a3);
            b3 = QuantizedKernel.Scale(r3, x3[at + s] * *sb, b3);
            if (--left > 0) continue;
            left = perGroup;
            sa++;
            sb++;
            if (za is null) continue;
            za++;
            zb++;
        }

        y[0][row] = T.Sum(a0);
        y[1][row] = T.Sum(a1);
        y[2][row] = T.Sum(a2);
        y[3][row] = T.Sum(a3);
        y[0][row + apart] = T.Sum(b0);
        y[1][row + apart] = T.Sum(b1);
        y[2][row + apart] = T.Sum(b2);
        y[3][row + apart] = T.Sum(b3);
    }
}
