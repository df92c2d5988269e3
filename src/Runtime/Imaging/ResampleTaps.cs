namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>Pillow's fixed-point weights of one axis (Resample.c: precompute_coeffs, normalize_coeffs_8bpc).</summary>
/// <param name="Start">First source pixel.</param>
/// <param name="Weights">Its weight and those of the pixels after it, times 2^22.</param>
internal readonly record struct ResampleTaps(int Start, int[] Weights)
{
    public const int Precision = 22;

    /// <summary>The taps of <paramref name="count"/> output pixels from <paramref name="first"/> on.</summary>
    public static ResampleTaps[] Of(int size, int newSize, ResampleFilter filter, int first, int count)
    {
        if (filter == ResampleFilter.Nearest) return Nearest(size, newSize, first, count);
        var (kernel, radius) = Kernel(filter);
        var scale = (double)size / newSize;
        var filterScale = Math.Max(scale, 1); // antialias: stretched when shrinking
        var support = radius * filterScale;
        var inverse = 1 / filterScale;
        var taps = new ResampleTaps[count];
        for (var i = 0; i < count; i++)
        {
            var center = (first + i + 0.5) * scale;
            var min = Math.Max((int)(center - support + 0.5), 0);
            var max = Math.Min((int)(center + support + 0.5), size);
            var w = new double[max - min];
            double sum = 0;
            for (var x = 0; x < w.Length; x++) sum += w[x] = kernel((x + min - center + 0.5) * inverse);
            var k = new int[w.Length];
            for (var x = 0; x < w.Length; x++)
            {
                var v = sum != 0 ? w[x] / sum : w[x];
                k[x] = v < 0 ? (int)(-0.5 + v * (1 << Precision)) : (int)(0.5 + v * (1 << Precision));
            }

            taps[i] = new ResampleTaps(min, k);
        }

        return taps;
    }

    // Geometry.c adds the scale up pixel by pixel; a product would round differently.
    private static ResampleTaps[] Nearest(int size, int newSize, int first, int count)
    {
        var scale = (double)size / newSize;
        int[] whole = [1 << Precision];
        var taps = new ResampleTaps[count];
        var at = scale * 0.5;
        for (var i = 0; i < first + count; i++, at += scale)
        {
            if (i >= first) taps[i - first] = new ResampleTaps(Math.Min((int)at, size - 1), whole);
        }

        return taps;
    }

    private static (Func<double, double> Kernel, double Radius) Kernel(ResampleFilter filter) => filter switch
    {
        ResampleFilter.Bilinear => (Triangle, 1),
        ResampleFilter.Bicubic => (Cubic, 2),
        ResampleFilter.Lanczos => (Lanczos, 3),
        _ => throw new ArgumentOutOfRangeException(
            nameof(filter), filter, "Supported are Nearest, Lanczos, Bilinear and Bicubic (0 to 3)."),
    };

    private static double Triangle(double t)
    {
        t = Math.Abs(t);
        return t < 1 ? 1 - t : 0;
    }

    private static double Cubic(double t)
    {
        const double a = -0.5;
        t = Math.Abs(t);
        if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
        return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    }

    private static double Lanczos(double t) => t is >= -3 and < 3 ? Sinc(t) * Sinc(t / 3) : 0;

    private static double Sinc(double t)
    {
        if (t == 0) return 1;
        t *= Math.PI;
        return Math.Sin(t) / t;
    }
}
