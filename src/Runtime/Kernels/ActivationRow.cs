using System.Runtime.Intrinsics;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>
/// A row of activations as <see cref="QuantizedKernel"/> reads it: [padded] 16-bit integers, a scale for each segment (its largest
/// magnitude is 32767), then each segment's sum times -8 (4 bits, symmetric) or -1 where zero points need it. Off by at most 1/65534 of
/// the segment's largest value; for activations of 32 bits a second such plane holds what the first one rounded away. For those of 8 bits
/// the integers are bytes (the largest magnitude is 127, off by at most 1/254 of it) in the order in which a chunk's nibbles meet them.
/// </summary>
internal static unsafe class ActivationRow
{
    private const float Most = 32767;

    private const float MostOfBytes = 127;

    // Steps of the second plane in one of the first.
    private const float Finer = 65534;

    /// <summary>Writes a row.</summary>
    /// <param name="m">The weights.</param>
    /// <param name="x">[inputs].</param>
    /// <param name="to">[<see cref="KernelMatrix.PreparedLength"/>].</param>
    public static void Prepare<T>(KernelMatrix m, float* x, float* to)
        where T : struct, ILanes<T>
    {
        var planes = m.ActivationBits == 32 ? 2 : 1;
        var bytes = m.ActivationBits == 8;
        var scales = to + m.ScalesAt;
        var sums = (int*)(scales + m.Segments);
        var zero = m.IsSymmetric ? -8 : -1;
        var block = stackalloc float[KernelMatrix.Chunk];
        var chunk = stackalloc short[KernelMatrix.Chunk];
        for (var s = 0; s < m.Segments; s++)
        {
            var from = s * m.Segment;
            Take(m, x, from, block);
            var (scale, inverse) = Scales<T>(block, m.Segment, bytes ? MostOfBytes : Most);
            T whole = T.Splat(0), rest = whole;
            for (var i = 0; i < m.Segment; i += T.Count)
            {
                var v = T.Multiply(T.Load(block + i), T.Splat(inverse));
                var rounded = T.Round(v);
                T.StorePairs(rounded, (bytes ? chunk : (short*)to + from) + i);
                whole = T.Add(whole, rounded);
                if (planes == 1) continue;
                var finer = T.Round(T.Multiply(T.Subtract(v, rounded), T.Splat(Finer)));
                T.StorePairs(finer, (short*)(to + m.PlaneLength) + from + i);
                rest = T.Add(rest, finer);
            }

            if (bytes) StoreBytes(chunk, (short*)to + from / 2);
            scales[s] = scale;
            if (planes == 2) scales[m.PlaneLength + s] = scale / Finer;
            if (!m.NeedsSums) continue;
            sums[s] = zero * (int)T.Sum(whole); // of whole numbers below 2^22: exact
            if (planes == 2) sums[m.PlaneLength + s] = zero * (int)T.Sum(rest);
        }
    }

    // The bytes of a chunk's halves meet inputs 64 apart (KernelMatrix.PackRow): those of the lower nibbles first, then of the upper ones.
    private static void StoreBytes(short* chunk, short* to)
    {
        const int half = KernelMatrix.Chunk / 2;
        for (var i = 0; i < half; i += Vector128<short>.Count)
        {
            var (even, odd) = (Vector128.Load(chunk + i), Vector128.Load(chunk + half + i));
            ((even & Vector128.Create((short)0xFF)) | (odd << 8)).Store(to + i);
        }
    }

    // Activations of a segment in the weights' order, zeros where there are none.
    private static void Take(KernelMatrix m, float* x, int from, float* block)
    {
        if (m.Order is null)
        {
            var count = Math.Clamp(m.Inputs - from, 0, m.Segment);
            new ReadOnlySpan<float>(x + from, count).CopyTo(new Span<float>(block, count));
            new Span<float>(block + count, m.Segment - count).Clear();
            return;
        }

        for (var i = 0; i < m.Segment; i++) block[i] = m.Order[from + i] is >= 0 and var at ? x[at] : 0;
    }

    // What is not finite stays so: the scale carries it.
    private static (float Scale, float Inverse) Scales<T>(float* block, int count, float integers)
        where T : struct, ILanes<T>
    {
        var largest = T.Splat(0);
        for (var i = 0; i < count; i += T.Count)
        {
            var v = T.Load(block + i);
            largest = T.Max(largest, T.Max(v, T.Subtract(T.Splat(0), v)));
        }

        var lanes = stackalloc float[T.Count];
        T.Store(largest, lanes);
        float most = 0;
        for (var i = 0; i < T.Count; i++) most = Math.Max(most, lanes[i]); // NaN wins
        return (most / integers, most == 0 ? 0 : integers / most);
    }
}
