namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>Pillow's bicubic resize, bit for bit: two passes over bytes, horizontal first, 22-bit fixed-point weights, antialiased when shrinking.</summary>
public static class PillowResizer
{
    private const int Precision = 22;

    /// <summary>Resizes a picture; a pass whose size does not change is skipped.</summary>
    /// <param name="rgb">[height, width, 3].</param>
    /// <param name="width">Width.</param>
    /// <param name="height">Height.</param>
    /// <param name="newWidth">Wanted width, at least 1.</param>
    /// <param name="newHeight">Wanted height, at least 1.</param>
    /// <returns>[newHeight, newWidth, 3]; <paramref name="rgb"/> itself when nothing changes.</returns>
    public static byte[] Bicubic(byte[] rgb, int width, int height, int newWidth, int newHeight)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(newWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(newHeight, 1);
        if (newWidth != width)
        {
            rgb = Horizontal(rgb, width, height, newWidth);
            width = newWidth;
        }

        return newHeight == height ? rgb : Vertical(rgb, width, height, newHeight);
    }

    private static byte[] Horizontal(byte[] source, int width, int height, int newWidth)
    {
        var taps = Taps(width, newWidth);
        var result = new byte[checked(newWidth * height * 3)];
        for (var y = 0; y < height; y++)
        {
            var row = source.AsSpan(y * width * 3, width * 3);
            var o = y * newWidth * 3;
            for (var x = 0; x < newWidth; x++)
            {
                var (start, weights) = taps[x];
                int r = 1 << (Precision - 1), g = r, b = r, s = start * 3;
                foreach (var k in weights)
                {
                    r += row[s] * k;
                    g += row[s + 1] * k;
                    b += row[s + 2] * k;
                    s += 3;
                }

                result[o++] = Clip(r);
                result[o++] = Clip(g);
                result[o++] = Clip(b);
            }
        }

        return result;
    }

    private static byte[] Vertical(byte[] source, int width, int height, int newHeight)
    {
        var taps = Taps(height, newHeight);
        var stride = width * 3;
        var result = new byte[checked(newHeight * stride)];
        var sums = new int[stride];
        for (var y = 0; y < newHeight; y++)
        {
            var (start, weights) = taps[y];
            Array.Fill(sums, 1 << (Precision - 1));
            for (var t = 0; t < weights.Length; t++)
            {
                var row = source.AsSpan((start + t) * stride, stride);
                var k = weights[t];
                for (var i = 0; i < row.Length; i++) sums[i] += row[i] * k;
            }

            var o = result.AsSpan(y * stride, stride);
            for (var i = 0; i < o.Length; i++) o[i] = Clip(sums[i]);
        }

        return result;
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> Precision, 0, 255);

    private static (int Start, int[] Weights)[] Taps(int size, int newSize)
    {
        var scale = (double)size / newSize;
        var filterScale = Math.Max(scale, 1);
        var support = 2 * filterScale;
        var inverse = 1 / filterScale;
        var taps = new (int, int[])[newSize];
        for (var i = 0; i < newSize; i++)
        {
            var center = (i + 0.5) * scale;
            var min = Math.Max((int)(center - support + 0.5), 0);
            var max = Math.Min((int)(center + support + 0.5), size);
            var w = new double[max - min];
            double sum = 0;
            for (var x = 0; x < w.Length; x++) sum += w[x] = Cubic((x + min - center + 0.5) * inverse);
            var k = new int[w.Length];
            for (var x = 0; x < w.Length; x++)
            {
                var v = sum != 0 ? w[x] / sum : w[x];
                k[x] = v < 0 ? (int)(-0.5 + v * (1 << Precision)) : (int)(0.5 + v * (1 << Precision));
            }

            taps[i] = (min, k);
        }

        return taps;
    }

    private static double Cubic(double t)
    {
        const double a = -0.5;
        t = Math.Abs(t);
        if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
        return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    }
}
