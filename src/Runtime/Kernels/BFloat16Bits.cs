using System.Runtime.CompilerServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>bfloat16 as bits: the upper half of a float.</summary>
internal static class BFloat16Bits
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToFloat(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>Nearest, ties to even; NaN stays one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Rounds a row.</summary>
    public static unsafe void Round<T>(float* from, ushort* to, int n)
        where T : struct, ILanes<T>
    {
        var i = 0;
        for (; i + T.Count <= n; i += T.Count) T.StoreBFloat16(T.Load(from + i), to + i);
        for (; i < n; i++) to[i] = Round(from[i]);
    }
}
