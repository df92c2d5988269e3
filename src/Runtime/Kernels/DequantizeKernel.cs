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
            else BFloat16Bits.Round<T>(source, (ushort*)target + at, m.Inputs);
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
        var halves = (ushort*)(m.Data + row * m.RowBytes);
        var steps = m.GroupSize / 32;
        for (var chunk = 0; chunk < m.Padded / KernelMatrix.Chunk; chunk++, halves += 32, to += KernelMatrix.Chunk)
        {
            for (var j = 0; j < 4; j++)
            {
                var at = (long)row * m.Groups + chunk * (4 / steps) + j / steps;
                var (zero, scale) = (T.Splat(m.Zeros is null ? 8 : m.Zeros[at]), T.Splat(m.Scales[at]));
                for (var l = 0; l < 32; l += T.Count)
                {
                    var w = T.Halves(halves + l);
                    for (var k = 0; k < j; k++) w = T.NextCodes(w);
                    T.Store(T.Multiply(T.Subtract(T.Codes(w), zero), scale), to + 32 * j + l);
                }
            }
        }
    }
}
