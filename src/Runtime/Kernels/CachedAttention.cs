namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Attention of one position over a cache, for the query heads of one KV head: scores and sums in fp32 over keys
/// and values in fp32 or bfloat16.</summary>
internal static unsafe class CachedAttention
{
    // Positions whose keys (or values) stay in the first cache while every query head of the group uses them.
    private const int Block = 64;

    /// <summary>Floats of scratch for a length.</summary>
    public static long ScratchLength(int group, int length, int d) => (long)group * ((length + 31) & ~15) + 2L * group * d;

    /// <summary>softmax(q k^T / sqrt(d)) v.</summary>
    /// <param name="q">[group, d].</param>
    /// <param name="group">Query heads of the KV head.</param>
    /// <param name="d">Channels of a head.</param>
    /// <param name="keys">The KV head's keys, [length, d].</param>
    /// <param name="values">The KV head's values, [length, d].</param>
    /// <param name="length">Tokens.</param>
    /// <param name="bfloat16">Type of keys and values.</param>
    /// <param name="y">[group, d].</param>
    /// <param name="scratch">[<see cref="ScratchLength"/>].</param>
    public static void Attend<T>(float* q, int group, int d, byte* keys, byte* values, int length, bool bfloat16, float* y, float* scratch)
        where T : struct, ILanes<T>
    {
        // Heads that the lanes do not divide go through narrower ones: a rule of shape.
        if (d % (bfloat16 ? 2 * T.Count : T.Count) != 0)
        {
            if (d % 8 == 0 && T.Count > 4 && Lanes128.IsSupported)
                Attend<Lanes128>(q, group, d, keys, values, length, bfloat16, y, scratch);
            else Attend<Lanes1>(q, group, d, keys, values, length, bfloat16, y, scratch);
            return;
        }

        var stride = (length + 31) & ~15;
        var queries = scratch + (long)group * stride;
        var sums = queries + (long)group * d;
        var scale = 1 / MathF.Sqrt(d);
        for (var h = 0; h < group; h++)
        {
            float* from = q + h * d, to = queries + h * d;
            if (bfloat16) DenseKernel.Interleave<T>(from, to, d);
            else Copy<T>(from, to, d);
            Scale<T>(to, d, scale);
        }

        var size = bfloat16 ? 2L : 4L;
        for (var start = 0; start < length; start += Block)
        {
            var end = Math.Min(start + Block, length);
            for (var h = 0; h < group; h++)
            {
                float* query = queries + h * d, scores = scratch + (long)h * stride;
                if (bfloat16)
                {
                    for (var p = start; p < end; p++) scores[p] = Dot<T>(query, (ushort*)(keys + p * d * size), d);
                }
                else
                {
                    for (var p = start; p < end; p++) scores[p] = Dot<T>(query, (float*)(keys + p * d * size), d);
                }
            }
        }

        new Span<float>(sums, group * d).Clear();
        var totals = stackalloc float[group];
        for (var h = 0; h < group; h++) totals[h] = Exponentials<T>(scratch + (long)h * stride, length);
        for (var start = 0; start < length; start += Block)
        {
            var count = Math.Min(Block, length - start);
            for (var h = 0; h < group; h++)
            {
                var weights = scratch + (long)h * stride + start;
                if (bfloat16) Accumulate<T>(weights, (ushort*)(values + start * d * size), count, d, sums + h * d);
                else Accumulate<T>(weights, (float*)(values + start * d * size), count, d, sums + h * d);
            }
        }

        for (var h = 0; h < group; h++)
        {
            Scale<T>(sums + h * d, d, 1 / totals[h]);
            if (bfloat16) Deinterleave<T>(sums + h * d, y + h * d, d);
            else Copy<T>(sums + h * d, y + h * d, d);
        }
    }

    private static void Copy<T>(float* from, float* to, int n)
        where T : struct, ILanes<T>
    {
        for (var i = 0; i < n; i += T.Count) T.Store(T.Load(from + i), to + i);
    }

    private static void Scale<T>(float* x, int n, float factor)
        where T : struct, ILanes<T>
    {
        var f = T.Splat(factor);
        for (var i = 0; i < n; i += T.Count) T.Store(T.Multiply(T.Load(x + i), f), x + i);
    }

    private static void Deinterleave<T>(float* from, float* to, int n)
        where T : struct, ILanes<T>
    {
        for (var i = 0; i < n; i += 2 * T.Count)
        {
            for (var j = 0; j < T.Count; j++)
            {
                to[i + 2 * j] = from[i + j];
                to[i + 2 * j + 1] = from[i + T.Count + j];
            }
        }
    }

    private static float Dot<T>(float* q, ushort* k, int d)
        where T : struct, ILanes<T>
    {
        T even = T.Splat(0), odd = even;
        for (var i = 0; i < d; i += 2 * T.Count)
        {
            var words = T.Bits((uint*)(k + i));
            even = T.MultiplyAdd(T.Even(words), T.Load(q + i), even);
            odd = T.MultiplyAdd(T.Odd(words), T.Load(q + i + T.Count), odd);
        }

        return T.Sum(T.Add(even, odd));
    }

    private static float Dot<T>(float* q, float* k, int d)
        where T : struct, ILanes<T>
    {
        var sum = T.Splat(0);
        for (var i = 0; i < d; i += T.Count) sum = T.MultiplyAdd(T.Load(k + i), T.Load(q + i), sum);
        return T.Sum(sum);
    }

    // exp(score - largest) in place; returns their sum. The buffer has room for a whole vector behind the last score.
    private static float Exponentials<T>(float* scores, int length)
        where T : struct, ILanes<T>
    {
        var max = float.NegativeInfinity;
        var padded = (length + T.Count - 1) / T.Count * T.Count;
        for (var p = length; p < padded; p++) scores[p] = float.NegativeInfinity;
        for (var p = 0; p < length; p++) max = Math.Max(max, scores[p]);
        var (largest, sum) = (T.Splat(max), T.Splat(0));
        for (var p = 0; p < padded; p += T.Count)
        {
            var e = T.Exp(T.Subtract(T.Load(scores + p), largest));
            T.Store(e, scores + p);
            sum = T.Add(sum, e);
        }

        return T.Sum(sum);
    }

    private static void Accumulate<T>(float* weights, ushort* v, int count, int d, float* sums)
        where T : struct, ILanes<T>
    {
        var z = 0;
        for (; z + 4 * T.Count <= d; z += 4 * T.Count)
        {
            T a = T.Load(sums + z), b = T.Load(sums + z + T.Count), c = T.Load(sums + z + 2 * T.Count), e = T.Load(sums + z + 3 * T.Count);
            for (var p = 0; p < count; p++)
            {
                var w = T.Splat(weights[p]);
                var row = v + (long)p * d + z;
                T first = T.Bits((uint*)row), second = T.Bits((uint*)(row + 2 * T.Count));
                a = T.MultiplyAdd(T.Even(first), w, a);
                b = T.MultiplyAdd(T.Odd(first), w, b);
                c = T.MultiplyAdd(T.Even(second), w, c);
                e = T.MultiplyAdd(T.Odd(second), w, e);
            }

            T.Store(a, sums + z);
            T.Store(b, sums + z + T.Count);
            T.Store(c, sums + z + 2 * T.Count);
            T.Store(e, sums + z + 3 * T.Count);
        }

        for (; z < d; z += 2 * T.Count)
        {
            T a = T.Load(sums + z), b = T.Load(sums + z + T.Count);
            for (var p = 0; p < count; p++)
            {
                var w = T.Splat(weights[p]);
                var words = T.Bits((uint*)(v + (long)p * d + z));
                a = T.MultiplyAdd(T.Even(words), w, a);
                b = T.MultiplyAdd(T.Odd(words), w, b);
            }

            T.Store(a, sums + z);
            T.Store(b, sums + z + T.Count);
        }
    }

    private static void Accumulate<T>(float* weights, float* v, int count, int d, float* sums)
        where T : struct, ILanes<T>
    {
        var z = 0;
        for (; z + 4 * T.Count <= d; z += 4 * T.Count)
        {
            T a = T.Load(sums + z), b = T.Load(sums + z + T.Count), c = T.Load(sums + z + 2 * T.Count), e = T.Load(sums + z + 3 * T.Count);
            for (var p = 0; p < count; p++)
            {
                var w = T.Splat(weights[p]);
                var row = v + (long)p * d + z;
                a = T.MultiplyAdd(T.Load(row), w, a);
                b = T.MultiplyAdd(T.Load(row + T.Count), w, b);
                c = T.MultiplyAdd(T.Load(row + 2 * T.Count), w, c);
                e = T.MultiplyAdd(T.Load(row + 3 * T.Count), w, e);
            }

            T.Store(a, sums + z);
            T.Store(b, sums + z + T.Count);
            T.Store(c, sums + z + 2 * T.Count);
            T.Store(e, sums + z + 3 * T.Count);
        }

        for (; z < d; z += T.Count)
        {
            var a = T.Load(sums + z);
            for (var p = 0; p < count; p++) a = T.MultiplyAdd(T.Load(v + (long)p * d + z), T.Splat(weights[p]), a);
            T.Store(a, sums + z);
        }
    }
}
