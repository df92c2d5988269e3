using System.Runtime.InteropServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>8- and 4-bit rows as numbers: the exact product of code less zero point and scale, in
/// fp32 or rounded once to bfloat16.</summary>
internal static unsafe class DequantizeKernel
{
    /// <summary>Rows <paramref name="from"/> to <paramref name="to"/> (exclusive), [rows, inputs] in the order of the inputs.</summary>
    /// <param name="m">8- or 4-bit weights.</param>
    /// <param name="from">First row.</param>
    /// <param name="to">End of the rows.</param>
    /// <param name="target">Receives them.</param>
    /// <param name="bfloat16">Type of the target: bfloat16, else fp32.</param>
    public static void Rows(KernelMatrix m, int from, int to, nint target, bool bfloat16)
    {
        if (Lanes512.IsSupported) Rows<Lanes512>(m, from, to, target, bfloat16);
        else if (Lanes256.IsSupported) Rows<Lanes256>(m, from, to, target, bfloat16);
        else if (Lanes128.IsSupported) Rows<Lanes128>(m, from, to, target, bfloat16);
        else Rows<Lanes1>(m, from, to, target, bfloat16);
    }

    internal static void Rows<T>(KernelMatrix m, int from, int to, nint target, bool bfloat16)
        where T : struct, ILanes<T>
    {
        var row = (float*)NativeMemory.AlignedAlloc((nuint)(m.Padded + m.Inputs) * 4, 64);
        var ordered = row + m.Padded;
        for (var r = from; r < to; r++)
        {
            if (m.Kind == KernelMatrixKind.Int8) EightBits<T>(m, r, row);
            else FourBits<T>(m, r, row);
            var source = row;
            if (m.Order is not null)
            {
                for (var i = 0; i < m.Padded; i++)
                {
                    if (m.Order[i] >= 0) ordered[m.Order[i]] = row[i];
                }

                source = ordered;
            }

            var at = (long)(r - from) * m.Inputs;
            if (!bfloat16) new ReadOnlySpan<float>(source, m.Inputs).CopyTo(new Span<float>((float*)target + at, m.Inputs));
            else Round<T>(source, (ushort*)target + at, m.Inputs);
        }

        NativeMemory.AlignedFree(row);
    }

    private static void EightBits<T>(KernelMatrix m, int row, float* to)
        where T : struct, ILanes<T>
    {
        var w = (sbyte*)m.Data + row * m.RowBytes;
        for (var (g, i) = (0, 0); g < m.Groups; g++)
        {
            var at = (long)row * m.Groups + g;
            var (zero, scale) = (T.Splat(m.Zeros is null ? 0 : (sbyte)m.Zeros[at]), T.Splat(m.Scales[at]));
            for (var end = Math.Min(i + m.GroupSize, m.Padded); i < end; i += T.Count)
                T.Store(T.Multiply(T.Subtract(T.Bytes(w + i), zero), scale), to + i);
        }
    }

    private static void FourBits<T>(KernelMatrix m, int row, float* to)
        where T : struct, ILanes<T>
    {
        var words = (uint*)(m.Data + row * m.RowBytes);
        var perChunk = KernelMatrix.Chunk / m.GroupSize;
        var steps = 8 / perChunk;
        for (var chunk = 0; chunk < m.Padded / KernelMatrix.Chunk; chunk++)
        {
            for (var half = 0; half < 16; half += T.Count)
            {
                var w = T.Bits(words + chunk * 16 + half);
                var v = to + chunk * KernelMatrix.Chunk + half;
                for (var g = chunk * perChunk; g < (chunk + 1) * perChunk; g++)
                {
                    var at = (long)row * m.Groups + g;
                    var (table, scale) = (T.CodeTable(m.Zeros is null ? 8 : m.Zeros[at]), T.Splat(m.Scales[at]));
                    for (var j = 0; j < steps; j++, v += 16)
                    {
                        T.Store(T.Multiply(T.Codes(w, table), scale), v);
                        w = T.NextCodes(w);
                    }
                }
            }
        }
    }

    private static void Round<T>(float* from, ushort* to, int n)
        where T : struct, ILanes<T>
    {
        var i = 0;
        for (; i + T.Count <= n; i += T.Count) T.StoreBFloat16(T.Load(from + i), to + i);
        for (; i < n; i++) to[i] = BFloat16Bits.Round(from[i]);
    }
}
