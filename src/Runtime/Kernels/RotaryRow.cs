namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Cosines and sines of one position, as the rotary tables of a prompt have them in fp32.</summary>
internal static class RotaryRow
{
    /// <summary>Fills a row; a generated token has one position in all three rows of multimodal models, so this serves them too.</summary>
    public static void Fill(long position, ReadOnlySpan<float> inverseFrequencies, Span<float> cos, Span<float> sin)
    {
        for (var j = 0; j < inverseFrequencies.Length; j++) (sin[j], cos[j]) = MathF.SinCos(position * inverseFrequencies[j]);
    }
}
