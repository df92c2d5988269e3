using System.Runtime.CompilerServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>
/// y = W x for 1 to 16 rows x over weights in fp32 or bfloat16: products and sums in fp32, every output summed over the inputs in one order
/// whatever the number of rows (the rows then agree bit for bit with what each gives alone).
/// </summary>
internal static unsafe class DenseKernel
{
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

    /// <summary>Outputs <paramref name="from"/> to <paramref name="to"/> (exclusive) of every row, without the bias.</summary>
    /// <param name="weights">[outputs, inputs] bfloat16.</param>
    /// <param name="inputs">Inputs.</param>
    /// <param name="x">One prepared row (<see cref="Interleave{T}"/>) per pointer.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">One row of outputs per pointer.</param>
    /// <param name="from">First output.</param>
    /// <param name="to">End of the outputs.</param>
    public static void BFloat16<T>(ushort* weights, int inputs, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        // Outputs a quarter apart: four long streams of weights, in each of which the processor fetches ahead.
        var quarter = (to - from) / 4;
        var stride = (long)quarter * inputs;
        for (var r = from; r < from + quarter; r++)
        {
            var w = weights + (long)r * inputs;
            var b = 0;
            for (; b + 4 <= rows; b += 4)
            {
                BFloat16TwoByFour<T>(w, stride, inputs, x + b, y + b, r, quarter);
                BFloat16TwoByFour<T>(w + 2 * stride, stride, inputs, x + b, y + b, r + 2 * quarter, quarter);
            }

            for (; b < rows; b++) BFloat16Four<T>(w, stride, inputs, x[b], y[b] + r, quarter);
        }

        for (var r = from + 4 * quarter; r < to; r++)
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

    private static float BFloat16One<T>(ushort* w, int inputs, float* x)
        where T : struct, ILanes<T>
    {
        var (sum, i) = (T.Splat(0), 0);
        for (; i + 2 * T.Count <= inputs; i += 2 * T.Count) sum = Step(T.Bits((uint*)(w + i)), T.Load(x + i), T.Load(x + i + T.Count), sum);
        return Finish(sum, w, x, i, inputs);
    }

    private static void BFloat16Four<T>(ushort* w, long stride, int inputs, float* x, float* y, int apart)
        where T : struct, ILanes<T>
    {
        ushort* a = w, b = a + stride, c = b + stride, d = c + stride;
        T s0 = T.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        var i = 0;
        for (; i + 2 * T.Count <= inputs; i += 2 * T.Count)
        {
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

    // Two outputs of four rows: a word of weights is taken apart once for four products.
    private static void BFloat16TwoByFour<T>(
        ushort* w, long stride, int inputs, float** x, float** y, int output, int apart)
        where T : struct, ILanes<T>
    {
        ushort* a = w, b = a + stride;
        float* x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        T a0 = T.Splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        var i = 0;
        for (; i + 2 * T.Count <= inputs; i += 2 * T.Count)
        {
            T wa = T.Bits((uint*)(a + i)), wb = T.Bits((uint*)(b + i));
            T ae = T.Even(wa), ao = T.Odd(wa), be = T.Even(wb), bo = T.Odd(wb);
            T even = T.Load(x0 + i), odd = T.Load(x0 + i + T.Count);
            a0 = T.MultiplyAdd(ao, odd, T.MultiplyAdd(ae, even, a0));
            b0 = T.MultiplyAdd(bo, odd, T.MultiplyAdd(be, even, b0));
            (even, odd) = (T.Load(x1 + i), T.Load(x1 + i + T.Count));
            a1 = T.MultiplyAdd(ao, odd, T.MultiplyAdd(ae, even, a1));
            b1 = T.MultiplyAdd(bo, odd, T.MultiplyAdd(be, even, b1));
            (even, odd) = (T.Load(x2 + i), T.Load(x2 + i + T.Count));
            a2 = T.MultiplyAdd(ao, odd, T.MultiplyAdd(ae, even, a2));
            b2 = T.MultiplyAdd(bo, odd, T.MultiplyAdd(be, even, b2));
            (even, odd) = (T.Load(x3 + i), T.Load(x3 + i + T.Count));
            a3 = T.MultiplyAdd(ao, odd, T.MultiplyAdd(ae, even, a3));
            b3 = T.MultiplyAdd(bo, odd, T.MultiplyAdd(be, even, b3));
        }

        y[0][output] = Finish(a0, a, x0, i, inputs);
        y[1][output] = Finish(a1, a, x1, i, inputs);
        y[2][output] = Finish(a2, a, x2, i, inputs);
        y[3][output] = Finish(a3, a, x3, i, inputs);
        y[0][output + apart] = Finish(b0, b, x0, i, inputs);
        y[1][output + apart] = Finish(b1, b, x1, i, inputs);
        y[2][output + apart] = Finish(b2, b, x2, i, inputs);
        y[3][output + apart] = Finish(b3, b, x3, i, inputs);
    }
}
