using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;

namespace D2Pruner.AI.Cli;

/// <summary>The processor and the C library of this machine.</summary>
internal static partial class MachineFacts
{
    // Beyond what .NET knows by name: what speeds 16-bit products up.
    private static readonly string[] KernelFlags = ["avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "avx_vnni"];

    /// <summary>The processor's name, where the system tells.</summary>
    public static string Processor => CpuInfo("model name") ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "unknown";

    /// <summary>Instruction sets that matter here.</summary>
    public static IReadOnlyList<string> Features()
    {
        (string Name, bool There)[] known =
        [
            ("avx2", Avx2.IsSupported), ("fma", Fma.IsSupported), ("avx512f", Avx512F.IsSupported), ("avx512bw", Avx512BW.IsSupported),
                ("neon", AdvSimd.IsSupported),
        ];
        var flags = (CpuInfo("flags") ?? "").Split(' ');
        return [.. known.Where(k => k.There).Select(k => k.Name), .. KernelFlags.Where(flags.Contains)];
    }

    /// <summary>Version of the GNU C library, or null elsewhere.</summary>
    public static string? Glibc()
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            return Marshal.PtrToStringUTF8(GnuVersion());
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return null; // musl
        }
    }

    /// <summary>Newest GLIBCXX of the C++ library that this process would load, or null elsewhere.</summary>
    public static string? Glibcxx()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libstdc++.so.6", out _)) return null;
        try
        {
            var path = File.ReadLines("/proc/self/maps").Select(l => l[(l.LastIndexOf(' ') + 1)..])
                .FirstOrDefault(l => l.Contains("libstdc++.so", StringComparison.Ordinal));
            if (path is null) return null;
            var text = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(path));
            return GlibcxxVersions().Matches(text).Select(m => Version.Parse(m.Groups[1].Value)).DefaultIfEmpty().Max()?.ToString();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? CpuInfo(string key)
    {
        try
        {
            return File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"GLIBCXX_(3\.\d+(?:\.\d+)?)\0")]
    private static partial Regex GlibcxxVersions();

    [LibraryImport("libc", EntryPoint = "gnu_get_libc_version")]
    private static partial nint GnuVersion();
}
