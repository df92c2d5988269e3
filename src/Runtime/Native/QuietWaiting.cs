using System.Runtime.InteropServices;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>
/// Keeps OpenMP's idle threads from spinning for milliseconds: they take cores from decoding's own kernel and from everybody else on a
/// shared machine (docs/log.md). An application that sets OMP_WAIT_POLICY or GOMP_SPINCOUNT itself is left alone.
/// </summary>
internal static partial class QuietWaiting
{
    private const string SpinCount = "GOMP_SPINCOUNT";

    /// <summary>To be called before libtorch loads: OpenMP reads the variable once. .NET's own environment is a copy
    /// that native code does not see.</summary>
    public static void Apply()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null
            || Environment.GetEnvironmentVariable(SpinCount) is not null) return;
        try
        {
            SetVariable(SpinCount, "1000", 0);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Another libc: nothing but speed is lost.
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
