using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Runtime.Calibration;

/// <summary>Sums of attention maps per (K, component), over odd and even images apart, in double.</summary>
internal sealed class PriorAccumulator
{
    private readonly SortedDictionary<(int Layer, string Component), Sum> _sums = [];

    /// <summary>One map's sums.</summary>
    internal sealed class Sum(int rows, int columns)
    {
        public int Rows { get; } = rows;

        public int Columns { get; } = columns;

        public double[][] Halves { get; } = [new double[rows * columns], new double[rows * columns]];

        public long[] Counts { get; } = new long[2];
    }

    public IReadOnlyDictionary<(int Layer, string Component), Sum> Sums => _sums;

    /// <summary>Adds an image's values of one component; maps of another size are resized to the first one's.</summary>
    public void Add(int layer, GridComponent component, ReadOnlySpan<float> values, int half)
    {
        if (!_sums.TryGetValue((layer, component.Name), out var sum))
            _sums[(layer, component.Name)] = sum = new Sum(component.Rows, component.Columns);
        var map = PriorResizer.Resize(values, component.Rows, component.Columns, sum.Rows, sum.Columns);
        for (var i = 0; i < map.Length; i++) sum.Halves[half][i] += map[i];
        sum.Counts[half]++;
    }

    public void Restore((int, string) key, Sum sum) => _sums[key] = sum;

    public Dictionary<(int Layer, string Component), PriorMap> Maps() => _sums.ToDictionary(
        s => s.Key,
        s => new PriorMap(s.Value.Rows, s.Value.Columns,
            [.. s.Value.Halves[0].Zip(s.Value.Halves[1], (a, b) => (float)((a + b) / (s.Value.Counts[0] + s.Value.Counts[1])))]));

    /// <summary>Pearson correlation of the two halves' averages.</summary>
    public static double SplitHalf(Sum sum)
    {
        if (sum.Counts[0] == 0 || sum.Counts[1] == 0) return double.NaN;
        var (a, b) = (sum.Halves[0], sum.Halves[1]);
        var (ma, mb) = (a.Average(), b.Average());
        double ab = 0, aa = 0, bb = 0;
        for (var i = 0; i < a.Length; i++)
        {
            ab += (a[i] - ma) * (b[i] - mb);
            aa += (a[i] - ma) * (a[i] - ma);
            bb += (b[i] - mb) * (b[i] - mb);
        }

        return aa == 0 || bb == 0 ? double.NaN : ab / Math.Sqrt(aa * bb);
    }
}
