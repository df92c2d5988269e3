using System.Runtime.Intrinsics;

namespace D2Pruner.AI.Pruning;

/// <summary>Compares floats with a bound, 64 to a word.</summary>
internal static class BitCompare
{
    /// <summary>Sets bit i where values[i] &gt; bound; <paramref name="bits"/> holds ceil(values / 64) words and is overwritten.</summary>
    public static void Above(ReadOnlySpan<float> values, float bound, Span<ulong> bits)
    {
        bits.Clear();
        var limit = Vector256.Create(bound);
        var i = 0;
        for (; i + 8 <= values.Length; i += 8)
        {
            // 8 divides 64, so the eight bits of one compare never straddle two words.
            ulong mask = Vector256.GreaterThan(Vector256.Create(values.Slice(i, 8)), limit).ExtractMostSignificantBits();
            bits[i >> 6] |= mask << i;
        }
        for (; i < values.Length; i++)
        {
            if (values[i] > bound) bits[i >> 6] |= 1UL << i;
        }
    }
}
