namespace D2Pruner.AI.Fuzz;

/// <summary>The process' resident memory and its peak since the last reset (Linux; elsewhere 0).</summary>
internal static class NativeMemory
{
    private static readonly bool IsUsable = OperatingSystem.IsLinux() && File.Exists("/proc/self/clear_refs");

    /// <summary>Forgets the peak so far.</summary>
    public static void ResetPeak()
    {
        if (IsUsable) File.WriteAllText("/proc/self/clear_refs", "5");
    }

    /// <summary>Resident bytes now, and at the peak.</summary>
    public static (long Now, long Peak) Read()
    {
        if (!IsUsable) return (0, 0);
        long Find(string[] lines, string key) =>
            long.Parse(lines.First(l => l.StartsWith(key, StringComparison.Ordinal))[key.Length..^3].Trim(),
                System.Globalization.CultureInfo.InvariantCulture) << 10;
        var lines = File.ReadAllLines("/proc/self/status");
        return (Find(lines, "VmRSS:"), Find(lines, "VmHWM:"));
    }
}
