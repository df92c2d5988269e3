namespace D2Pruner.AI.Evaluation.Statistics;

/// <summary>Bootstrap over images: how often each image is drawn in each resample. One table serves all cells, so
/// that every difference is paired.</summary>
internal sealed class Resamples
{
    private readonly ushort[][] _counts;

    /// <summary>Draws the resamples.</summary>
    /// <param name="images">Number of images.</param>
    /// <param name="count">Number of resamples.</param>
    /// <param name="seed">The same seed draws the same resamples.</param>
    public Resamples(int images, int count, ulong seed)
    {
        Images = images;
        var rng = new Scenes.Rng(seed, (ulong)images, 0xB007);
        _counts = new ushort[count][];
        for (var r = 0; r < count; r++)
        {
            var drawn = _counts[r] = new ushort[images];
            for (var i = 0; i < images; i++) drawn[rng.Int(images)]++;
        }
    }

    /// <summary>Number of images.</summary>
    public int Images { get; }

    /// <summary>The mean of every resample; NaN where none of the drawn images has a value.</summary>
    /// <param name="sums">Per image: sum of its values.</param>
    /// <param name="sizes">Per image: how many values.</param>
    public double[] Means(double[] sums, int[] sizes)
    {
        var means = new double[_counts.Length];
        for (var r = 0; r < means.Length; r++)
        {
            var (sum, size, drawn) = (0.0, 0L, _counts[r]);
            for (var i = 0; i < drawn.Length; i++)
            {
                sum += drawn[i] * sums[i];
                size += drawn[i] * sizes[i];
            }

            means[r] = size == 0 ? double.NaN : sum / size;
        }

        return means;
    }

    /// <summary>The 95% interval of resampled values (2.5 and 97.5 percentiles, the nearest ranks inside).</summary>
    public static (double Low, double High) Interval(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Where(v => !double.IsNaN(v)).Order()];
        if (sorted.Length == 0) return (double.NaN, double.NaN);
        var cut = (int)(0.025 * sorted.Length);
        return (sorted[cut], sorted[sorted.Length - 1 - cut]);
    }
}
