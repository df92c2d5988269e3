namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>Rescale and normalise as the slow (PIL) processors do: float32(double(v) * factor), then (x - mean) / std in float32.</summary>
internal sealed class PixelNormalizer
{
    private readonly float[][] _table;

    /// <summary>Creates a normaliser.</summary>
    /// <param name="mean">Three means, 0..1.</param>
    /// <param name="std">Three deviations.</param>
    /// <param name="rescale">Factor, 1/255 as a rule.</param>
    public PixelNormalizer(double[] mean, double[] std, double rescale = 1 / 255.0)
    {
        _table = new float[3][];
        for (var c = 0; c < 3; c++)
        {
            _table[c] = new float[256];
            for (var v = 0; v < 256; v++) _table[c][v] = ((float)(v * rescale) - (float)mean[c]) / (float)std[c];
        }
    }

    /// <summary>CLIP's mean and deviation.</summary>
    public static PixelNormalizer Clip { get; } = new([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]);

    /// <summary>ImageNet's mean and deviation (InternVL).</summary>
    public static PixelNormalizer ImageNet { get; } = new([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

    /// <summary>The value of a byte in a channel.</summary>
    public float this[int channel, byte value] => _table[channel][value];

    /// <summary>[H, W, 3] bytes to [3, H, W] floats at an offset of the target.</summary>
    public void ToPlanes(ReadOnlySpan<byte> rgb, Span<float> target)
    {
        var plane = rgb.Length / 3;
        for (var c = 0; c < 3; c++)
        {
            var table = _table[c];
            var o = target.Slice(c * plane, plane);
            for (int i = 0, s = c; i < plane; i++, s += 3) o[i] = table[rgb[s]];
        }
    }
}
