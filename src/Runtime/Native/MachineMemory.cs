using System.Globalization;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>How much memory this machine has, and how much of it is free for this process.</summary>
internal static class MachineMemory
{
    /// <summary>What <see cref="FreeBytes"/> says instead, for tests.</summary>
    internal static long? Pretended { get; set; }

    /// <summary>Bytes in all, a container's limit counted.</summary>
    public static long TotalBytes
    {
        get
        {
            var machine = MemInfo("MemTotal:") ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            return Limit() is { } limit ? Math.Min(machine, limit) : machine;
        }
    }

    /// <summary>Bytes that can be taken without swapping: what the system calls available, and what a container's limit leaves.</summary>
    public static long FreeBytes
    {
        get
        {
            if (Pretended is { } pretended) return pretended;
            var info = GC.GetGCMemoryInfo();
            var machine = MemInfo("MemAvailable:") ?? Math.Max(0, info.TotalAvailableMemoryBytes - info.MemoryLoadBytes);
            return Limit() is { } limit && Used() is { } used ? Math.Min(machine, Math.Max(0, limit - used)) : machine;
        }
    }

    // The kernel's name of the value, in kB.
    private static long? MemInfo(string key)
    {
        try
        {
            var line = File.ReadLines("/proc/meminfo").FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal));
            return line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var kb, ..]
                && long.TryParse(kb, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n * 1024 : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // not Linux
        }
    }

    // Control groups of version 2, then 1; "max" or a huge number means no limit.
    private static long? Limit() => (Number("/sys/fs/cgroup/memory.max") ?? Number("/sys/fs/cgroup/memory/memory.limit_in_bytes")) is { } n
        && n < 1L << 60 ? n : null;

    // What the page cache holds is given back on demand.
    private static long? Used()
    {
        if ((Number("/sys/fs/cgroup/memory.current") ?? Number("/sys/fs/cgroup/memory/memory.usage_in_bytes")) is not { } used) return null;
        try
        {
            var stat = File.Exists("/sys/fs/cgroup/memory.stat") ? "/sys/fs/cgroup/memory.stat" : "/sys/fs/cgroup/memory/memory.stat";
            var line = File.ReadLines(stat)
                .FirstOrDefault(l => l.StartsWith("inactive_file ", StringComparison.Ordinal)
                    || l.StartsWith("total_inactive_file ", StringComparison.Ordinal));
            return line?.Split(' ') is [_, var cached] && long.TryParse(cached, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                ? Math.Max(0, used - n) : used;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return used;
        }
    }

    private static long? Number(string path)
    {
        try
        {
            return File.Exists(path)
                && long.TryParse(File.ReadAllText(path).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
