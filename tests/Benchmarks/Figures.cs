using System.Diagnostics;
using System.Globalization;

namespace D2Pruner.AI.Benchmarks;

/// <summary>Prints <c>name: value</c> lines: medians, and minima as <c>name.min</c>.</summary>
internal sealed class Figures(TextWriter output)
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    public void Add(string name, double value) => output.WriteLine($"{name}: {value.ToString("G6", CultureInfo.InvariantCulture)}");

    public void Add(string name, IReadOnlyList<double> values)
    {
        Add(name, Median(values));
        Add(name + ".min", values.Min());
    }

    public void Say(string text) => Console.Error.WriteLine($"[{_watch.Elapsed:mm\\:ss}] {text}");

    public static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
