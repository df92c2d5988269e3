using System.Runtime.CompilerServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>
/// y = W x for any number of rows x over weights in fp32 or bfloat16: products and sums in fp32, every output summed over the inputs in
/// one order whatever the number of rows (the rows then agree bit for bit with what each gives alone).
/// </summary>
internal static unsafe class DenseKernel
{
    // Half of a second cache of 512 KB.
    private const int TileBytes = 256 << 10;

    /// <summary>
    /// Prepares an activation row for <see cref="BFloat16{T}"/>: whole blocks of two vectors hold their even elements first, then their odd
    /// ones, as the weights' words are taken apart; what remains stays in order.
    /// </summary>
    public static void Interleave<T>(float* x, float* to, int inputs)
        where T : struct, ILanes<T>
    {
        var block = 2 * T.Count;
        var i = 0;
        for (; i + block <= inputs; i += block)
        {
            T first = T.Load(x + i), second = T.Load(x + i + T.Count);
            T.Store(T.EvenElements(first, second), to + i);
            T.Store(T.OddElements(first, second), to + i + T.Count);
        }

        for (; i < inputs; i++) to[i] = x[i];
    }

    /// <summary>As <see cref="Interleave{T}(float*, float*, int)"/>, from a row in bfloat16.</summary>
    public static void Interleave<T>(ushort* x, float* to, int inputs)
        where T : struct, ILanes<T>
    {
        var i = 0;
        for (; i + 2 * T.Count <= inputs; i += 2 * T.Count)
        {
            var words = T.Bits((uint*)(x + i));
            T.Store(T.Even(words), to + i);
            T.Store(T.Odd(words), to + i + T.Count);
        }

        for (; i < inputs; i++) to[i] = BFloat16Bits.ToFloat(x[i]);
    }

    /// <summary>Outputs <paramref name="from"/> to <paramref name="to"/> (exclusive) of every row, without the bias.</summary>
    /// <param name="weights">[outputs, inputs] bfloat16.</param>
    /// <param name="inputs">Inputs.</param>
    /// <param name="x">One prepared row (<see cref="Interleave{T}(float*, float*, int)"/>) per pointer.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">One row of outputs per pointer.</param>
    /// <param name="from">First output.</param>
    /// <param name="to">End of the outputs.</param>
    public static void BFloat16<T>(ushort* weights, int inputs, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        var done = rows < 4 ? Streams<T>(weights, inputs, x, rows, y, from, to)
            : rows == 4 ? LongThrees<T>(weights, inputs, x, y, from, to)
            : Tiles<T>(weights, inputs, x, rows, y, from, to);
        for (var r = done; r < to; r++)
        {
            for (var b = 0; b < rows; b++) y[b][r] = BFloat16One<T>(weights + (long)r * inputs, inputs, x[b]);
        }
    }

    /// <summary>As <see cref="BFloat16{T}"/>, over fp32 weights and rows in their own order.</summary>
    public static void Float32<T>(float* weights, int inputs, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        for (var r = from; r < to; r++)
        {
            var w = weights + (long)r * inputs;
            for (var b = 0; b < rows; b++)
            {
                var v = x[b];
                var sum = T.Splat(0);
                var i = 0;
                for (; i + T.Count <= inputs; i += T.Count) sum = T.MultiplyAdd(T.Load(w + i), T.Load(v + i), sum);
                var total = T.Sum(sum);
                for (; i < inputs; i++) total += w[i] * v[i];
                y[b][r] = total;
            }
        }
    }

    // The one order of sums: even products, then odd ones, block after block in each lane; the lanes; the rest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Step<T>(T words, T even, T odd, T sum)
        where T : struct, ILanes<T> => T.MultiplyAdd(T.Odd(words), odd, T.MultiplyAdd(T.Even(words), even, sum));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Finish<T>(T sum, ushort* w, float* x, int from, int inputs)
        where T : struct, ILanes<T>
    {
        var total = T.Sum(sum);
        for (var i = from; i < inputs; i++) total += BFloat16Bits.ToFloat(w[i]) * x[i];
        return total;
    }

    // Outputs a quarter apart: four long streams of weights.
    private static int Streams<T>(ushort* weights, int inputs, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        var quarter = (to - from) / 4;
        var stride = (long)quarter * inputs;
        for (var r = from; r < from + quarter; r++)
        {
            for (var b = 0; b < rows; b++) Four<T>(weights + (long)r * inputs, stride, inputs, x[b], y[b] + r, quarter);
        }

        return from + 4 * quarter;
    }

    // Outputs a third apart: three long streams of weights for four rows.
    private static int LongThrees<T>(ushort* weights, int inputs, float** x, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        var third = (to - from) / 3;
        for (var r = from; r < from + third; r++)
            ThreeByFour<T>(
                weights + (long)r * inputs, (long)third * inputs, inputs, x, y, r, third, Prefetch.Distance, 4 * T.Count, 0);

        return from + 3 * third;
    }

    // Tiles of outputs meet all rows, four after four, and each four ask for a part of the next tile's weights, so that memory is busy
    // while weights come from the caches. Few rows need three outputs only; many should meet what the second cache holds.
    private static int Tiles<T>(ushort* weights, int inputs, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        var end = from + (to - from) / 3 * 3;
        var tile = rows <= MatrixKernel.MaxRows ? 3 : Math.Max(1, TileBytes / (6 * inputs)) * 3;
        var passes = (rows + 3) / 4;
        for (var t = from; t < end; t += tile)
        {
            for (var p = 0; p < passes; p++)
            {
                var ahead = 2L * inputs * (tile * passes + p) / passes;
                var first = Math.Min(4 * p, rows - 4); // the last four, some of them once more
                for (var r = t; r < Math.Min(t + tile, end); r += 3)
                    ThreeByFour<T>(weights + (long)r * inputs, inputs, inputs, x + first, y + first, r, 1, ahead, 4 * T.Count / passes, 0);
            }
        }

        return end;
    }

    private static float BFloat16One<T>(ushort* w, int inputs, float* x)
        where T : struct, ILanes<T>
    {
        var (sum, i) = (T.Splat(0), 0);
        for (; i + 2 * T.Count <= inputs; i += 2 * T.Count) sum = Step(T.Bits((uint*)(w + i)), T.Load(x + i), T.Load(x + i + T.Count), sum);
        return Finish(sum, w, x, i, inputs);
    }

    private static void Four<T>(ushort* w, long stride, int inputs, float* x, float* y, int apart)
        where T : struct, ILanes<T>
    {
        ushort* a = w, b = a + stride, c = b + stride, d = c + stride;
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        var i = 0;
        for (; i + 2 * T.Count <= inputs; i += 2 * T.Count)
        {
            Prefetch.Line((byte*)(a + i) + Prefetch.Distance);
            Prefetch.Line((byte*)(b + i) + Prefetch.Distance);
            Prefetch.Line((byte*)(c + i) + Prefetch.Distance);
            Prefetch.Line((byte*)(d + i) + Prefetch.Distance);
            T even = T.Load(x + i), odd = T.Load(x + i + T.Count);
            s0 = Step(T.Bits((uint*)(a + i)), even, odd, s0);
            s1 = Step(T.Bits((uint*)(b + i)), even, odd, s1);
            s2 = Step(T.Bits((uint*)(c + i)), even, odd, s2);
            s3 = Step(T.Bits((uint*)(d + i)), even, odd, s3);
        }

        y[0] = Finish(s0, a, x, i, inputs);
        y[apart] = Finish(s1, b, x, i, inputs);
        y[2 * apart] = Finish(s2, c, x, i, inputs);
        y[3 * apart] = Finish(s3, d, x, i, inputs);
    }

    // Three outputs of four rows: twelve sums, three vectors of weights and one of a row are what sixteen registers hold. The words are
    // read again for their odd halves: kept, they would push sums out of the registers. The compiler would keep them if it
    // knew that zero is 0.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThreeByFour<T>(
        ushort* w, long stride, int inputs, float** x, float** y, int output, int apart, long ahead, long step, long zero)
        where T : struct, ILanes<T>
    {
        ushort* a = w, b = a + stride, c = b + stride;
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0, c0 = a0, c1 = a0, c2 = a0, c3 = a0;
        long end = inputs / (2 * T.Count) * (2 * T.Count);
        for (var (i, j) = (0L, zero); i < end; i += 2 * T.Count, j += 2 * T.Count, ahead += step)
        {
            Prefetch.Line((byte*)a + ahead);
            Prefetch.Line((byte*)b + ahead);
            Prefetch.Line((byte*)c + ahead);
            T wa = T.Even(T.Bits((uint*)(a + i))), wb = T.Even(T.Bits((uint*)(b + i))), wc = T.Even(T.Bits((uint*)(c + i)));
            var v = T.Load(x0 + i);
            (a0, b0, c0) = (T.MultiplyAdd(wa, v, a0), T.MultiplyAdd(wb, v, b0), T.MultiplyAdd(wc, v, c0));
            v = T.Load(x1 + i);
            (a1, b1, c1) = (T.MultiplyAdd(wa, v, a1), T.MultiplyAdd(wb, v, b1), T.MultiplyAdd(wc, v, c1));
            v = T.Load(x2 + i);
            (a2, b2, c2) = (T.MultiplyAdd(wa, v, a2), T.MultiplyAdd(wb, v, b2), T.MultiplyAdd(wc, v, c2));
            v = T.Load(x3 + i);
            (a3, b3, c3) = (T.MultiplyAdd(wa, v, a3), T.MultiplyAdd(wb, v, b3), T.MultiplyAdd(wc, v, c3));
            (wa, wb, wc) = (T.Odd(T.Bits((uint*)(a + j))), T.Odd(T.Bits((uint*)(b + j))), T.Odd(T.Bits((uint*)(c + j))));
            v = T.Load(x0 + i + T.Count);
            (a0, b0, c0) = (T.MultiplyAdd(wa, v, a0), T.MultiplyAdd(wb, v, b0), T.MultiplyAdd(wc, v, c0));
            v = T.Load(x1 + i + T.Count);
            (a1, b1, c1) = (T.MultiplyAdd(wa, v, a1), T.MultiplyAdd(wb, v, b1), T.MultiplyAdd(wc, v, c1));
            v = T.Load(x2 + i + T.Count);
            (a2, b2, c2) = (T.MultiplyAdd(wa, v, a2), T.MultiplyAdd(wb, v, b2), T.MultiplyAdd(wc, v, c2));
            v = T.Load(x3 + i + T.Count);
            (a3, b3, c3) = (T.MultiplyAdd(wa, v, a3), T.MultiplyAdd(wb, v, b3), T.MultiplyAdd(wc, v, c3));
        }

        var from = (int)end;
        y[0][output] = Finish(a0, a, x0, from, inputs);
        y[1][output] = Finish(a1, a, x1, from, inputs);
        y[2][output] = Finish(a2, a, x2, from, inputs);
        y[3][output] = Finish(a3, a, x3, from, inputs);
        y[0][output + apart] = Finish(b0, b, x0, from, inputs);
        y[1][output + apart] = Finish(b1, b, x1, from, inputs);
        y[2][output + apart] = Finish(b2, b, x2, from, inputs);
        y[3][output + apart] = Finish(b3, b, x3, from, inputs);
        y[0][output + 2 * apart] = Finish(c0, c, x0, from, inputs);
        y[1][output + 2 * apart] = Finish(c1, c, x1, from, inputs);
        y[2][output + 2 * apart] = Finish(c2, c, x2, from, inputs);
        y[3][output + 2 * apart] = Finish(c3, c, x3, from, inputs);
    }
}
