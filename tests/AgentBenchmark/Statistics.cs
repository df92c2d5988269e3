namespace D2Pruner.AI.AgentBenchmark;

/// <summary>Quantiles and 95% intervals.</summary>
internal static class Statistics
{
    private const double Z = 1.96;

    public static double Quantile(IEnumerable<double> values, double q)
    {
        double[] sorted = [.. values.Order()];
        var at = q * (sorted.Length - 1);
        var low = (int)at;
        return low + 1 < sorted.Length ? sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]) : sorted[low];
    }

    /// <summary>Wilson's interval of a share.</summary>
    public static (double Low, double High) Wilson(int right, int n)
    {
        var p = (double)right / n;
        var centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n);
        var half = Z * Math.Sqrt(p * (1 - p) / n + Z * Z / (4.0 * n * n)) / (1 + Z * Z / n);
        return (Math.Max(0, centre - half), Math.Min(1, centre + half));
    }

    /// <summary>Difference of two shares of the same cases, by 10,000 resamplings of the cases.</summary>
    public static (double Mean, double Low, double High) PairedDifference(IReadOnlyList<bool> a, IReadOnlyList<bool> b)
    {
        int[] differences = [.. a.Zip(b, (x, y) => (x ? 1 : 0) - (y ? 1 : 0))];
        var random = new Random(1);
        var means = new double[10_000];
        for (var i = 0; i < means.Length; i++)
        {
            var sum = 0;
            for (var j = 0; j < differences.Length; j++) sum += differences[random.Next(differences.Length)];
            means[i] = (double)sum / differences.Length;
        }

        return (differences.Average(), Quantile(means, 0.025), Quantile(means, 0.975));
    }
}
