using System.Globalization;
using System.Runtime.InteropServices;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Calibration;

/// <summary>The file of an interrupted calibration: sums bit by bit, and what they are sums of.</summary>
internal static class CalibrationState
{
    private const string KeyName = "key";
    private const string DoneName = "done";

    public static void Save(string path, string key, int done, IReadOnlyList<string> skipped, PriorAccumulator sums)
    {
        var writer = new SafetensorsWriter();
        writer.Metadata[KeyName] = key;
        writer.Metadata[DoneName] = done.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["skipped"] = string.Join('\n', skipped);
        foreach (var ((layer, component), sum) in sums.Sums)
        {
            for (var half = 0; half < 2; half++) writer.Add($"K{layer}.{component}.{half}", Bits(sum.Halves[half]), sum.Rows, sum.Columns);
            writer.Add($"K{layer}.{component}.counts", sum.Counts, 2);
        }

        if (sums.Sums.Count == 0) writer.Add("empty", new long[] { 0 }, 1);
        writer.Write(path);
    }

    /// <summary>What an interrupted run left, or null where there is nothing or it belongs to other
    /// settings, images or another model.</summary>
    public static (int Done, List<string> Skipped, PriorAccumulator Sums)? Load(string path, string key)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using var file = SafetensorsFile.Open(path);
            if (file.Metadata.GetValueOrDefault(KeyName) != key) return null;
            var sums = new PriorAccumulator();
            foreach (var name in file.Names.Where(n => n.EndsWith(".counts", StringComparison.Ordinal)))
            {
                var (layer, component) = (
                    int.Parse(name[1..name.IndexOf('.')], CultureInfo.InvariantCulture), name[(name.IndexOf('.') + 1)..^".counts".Length]);
                if (file.Find($"K{layer}.{component}.0") is not { Shape: [var rows, var columns] }) return null;
                var sum = new PriorAccumulator.Sum((int)rows, (int)columns);
                for (var half = 0; half < 2; half++)
                    MemoryMarshal.Cast<long, double>(file.ReadArray<long>($"K{layer}.{component}.{half}")).CopyTo(sum.Halves[half]);
                file.ReadArray<long>(name).CopyTo(sum.Counts, 0);
                sums.Restore((layer, component), sum);
            }

            var skipped = file.Metadata.GetValueOrDefault("skipped", "").Split('\n', StringSplitOptions.RemoveEmptyEntries).ToList();
            return (int.Parse(file.Metadata[DoneName], CultureInfo.InvariantCulture), skipped, sums);
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or FormatException or KeyNotFoundException or ArgumentException
            or OverflowException)
        {
            return null; // a damaged state costs time, nothing else
        }
    }

    private static long[] Bits(double[] values) => MemoryMarshal.Cast<double, long>(values).ToArray();
}
