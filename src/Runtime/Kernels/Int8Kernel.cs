namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Products with signed bytes.</summary>
internal readonly unsafe struct Int8Kernel<T> : IQuantizedKernel
    where T : struct, ILanes<T>
{
    public static void Four(KernelMatrix m, int row, int apart, float* x, float* y)
    {
        var stride = apart * m.RowBytes;
        sbyte* a = (sbyte*)m.Data + row * m.RowBytes, b = a + stride, c = b + stride, d = c + stride;
        var (groups, perGroup) = (m.Groups, m.GroupSize / m.Segment);
        var between = (long)apart * groups;
        float* sa = m.Scales + (long)row * groups, sb = sa + between, sc = sb + between, sd = sc + between;
        var q = (short*)x;
        var scales = x + m.Padded / 2;
        var (segment, segments) = (m.Segment, m.Segments);
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        for (var s = 0; s < segments; s++)
        {
            T p0 = T.Splat(0), p1 = p0, p2 = p0, p3 = p0;
            for (var i = s * segment; i < (s + 1) * segment; i += 2 * T.Count)
            {
                var v = T.Bits((uint*)(q + i));
                p0 = T.MultiplyPairs(T.Pairs(a + i), v, p0);
                p1 = T.MultiplyPairs(T.Pairs(b + i), v, p1);
                p2 = T.MultiplyPairs(T.Pairs(c + i), v, p2);
                p3 = T.MultiplyPairs(T.Pairs(d + i), v, p3);
            }

            var (scale, g) = (scales[s], s / perGroup);
            s0 = QuantizedKernel.Scale(p0, scale * sa[g], s0);
            s1 = QuantizedKernel.Scale(p1, scale * sb[g], s1);
            s2 = QuantizedKernel.Scale(p2, scale * sc[g], s2);
            s3 = QuantizedKernel.Scale(p3, scale * sd[g], s3);
        }

        y[row] = T.Sum(s0);
        y[row + apart] = T.Sum(s1);
        y[row + 2 * apart] = T.Sum(s2);
        y[row + 3 * apart] = T.Sum(s3);
    }

    public static void TwoByFour(KernelMatrix m, int row, int apart, float** x, float** y)
    {
        sbyte* a = (sbyte*)m.Data + row * m.RowBytes, b = a + apart * m.RowBytes;
        var (groups, perGroup) = (m.Groups, m.GroupSize / m.Segment);
        float* sa = m.Scales + (long)row * groups, sb = sa + (long)apart * groups;
        short* q0 = (short*)x[0], q1 = (short*)x[1], q2 = (short*)x[2], q3 = (short*)x[3];
        var at = m.Padded / 2;
        var (segment, segments) = (m.Segment, m.Segments);
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (var s = 0; s < segments; s++)
        {
            T p0 = T.Splat(0), p1 = p0, p2 = p0, p3 = p0, r0 = p0, r1 = p0, r2 = p0, r3 = p0;
            for (var i = s * segment; i < (s + 1) * segment; i += 2 * T.Count)
            {
                T wa = T.Pairs(a + i), wb = T.Pairs(b + i), v = T.Bits((uint*)(q0 + i));
                p0 = T.MultiplyPairs(wa, v, p0);
                r0 = T.MultiplyPairs(wb, v, r0);
                v = T.Bits((uint*)(q1 + i));
                p1 = T.MultiplyPairs(wa, v, p1);
                r1 = T.MultiplyPairs(wb, v, r1);
                v = T.Bits((uint*)(q2 + i));
                p2 = T.MultiplyPairs(wa, v, p2);
                r2 = T.MultiplyPairs(wb, v, r2);
                v = T.Bits((uint*)(q3 + i));
                p3 = T.MultiplyPairs(wa, v, p3);
                r3 = T.MultiplyPairs(wb, v, r3);
            }

            var g = s / perGroup;
            var (ka, kb) = (sa[g], sb[g]);
            a0 = QuantizedKernel.Scale(p0, x[0][at + s] * ka, a0);
            b0 = QuantizedKernel.Scale(r0, x[0][at + s] * kb, b0);
            a1 = QuantizedKernel.Scale(p1, x[1][at + s] * ka, a1);
            b1 = QuantizedKernel.Scale(r1, x[1][at + s] * kb, b1);
            a2 = QuantizedKernel.Scale(p2, x[2][at + s] * ka, a2);
            b2 = QuantizedKernel.Scale(r2, x[2][at + s] * kb, b2);
            a3 = QuantizedKernel.Scale(p3, x[3][at + s] * ka, a3);
            b3 = QuantizedKernel.Scale(r3, x[3][at + s] * kb, b3);
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
