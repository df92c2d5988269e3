namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>The numbers of float8 e4m3fn: one sign, four exponent bits (bias 7), three of mantissa; no
/// infinities, 0x7F and 0xFF are NaN.</summary>
internal static class Float8Values
{
    /// <summary>By byte.</summary>
    public static float[] All { get; } = [.. Enumerable.Range(0, 256).Select(Of)];

    private static float Of(int bits)
    {
        var (exponent, mantissa) = ((bits >> 3) & 15, bits & 7);
        if (exponent == 15 && mantissa == 7) return float.NaN;
        var magnitude = exponent == 0 ? MathF.ScaleB(mantissa, -9) : MathF.ScaleB(8 + mantissa, exponent - 10);
        return (bits & 0x80) == 0 ? magnitude : -magnitude;
    }
}
