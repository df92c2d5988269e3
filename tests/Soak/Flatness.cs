using System.Globalization;
namespace D2Pruner.AI.Soak;

/// <summary>Whether a row of measurements grows: its last third against its middle third; the first is
/// for caches and pools to fill.</summary>
internal static class Flatness
{
    /// <summary>What grew, one sentence each; empty when nothing did.</summary>
    public static List<string> Problems(IReadOnlyList<Measurement> rows)
    {
        var problems = new List<string>();
        if (rows.Count < 6) problems.Add($"{rows.Count} measurements say nothing; run longer.");
        if (rows.Any(r => !r.SameAnswers)) problems.Add("A reference question was answered otherwise than at the start.");
        if (problems.Count > 0) return problems;
        var third = rows.Count / 3;
        var (middle, last) = (rows.Skip(rows.Count - 2 * third).Take(third).ToList(), rows.Skip(rows.Count - third).ToList());
        Check("resident memory (MB)", r => r.ResidentBytes / 1048576.0, 0.03, 24);
        Check("managed heap (MB)", r => r.ManagedBytes / 1048576.0, 0.05, 8);
        Check("tensors", r => r.Tensors, 0.02, 64);
        Check("handles", r => r.Handles, 0, 3);
        Check("threads", r => r.Threads, 0, 4);
        return problems;

        void Check(string what, Func<Measurement, double> value, double share, double absolute)
        {
            var (before, after) = (middle.Average(value), last.Average(value));
            if (after - before > Math.Max(before * share, absolute))
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"{what} grew from {before:0.0} to {after:0.0}."));
        }
    }
}
