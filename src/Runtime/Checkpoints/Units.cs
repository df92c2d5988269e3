using System.Globalization;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Bytes for people.</summary>
internal static class Units
{
    /// <summary>GiB (or MiB, KiB) beside bytes: <c>13.16 GiB (14,126,854,144 bytes)</c>.</summary>
    public static string Bytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{Short(bytes)} ({bytes:N0} bytes)");

    /// <summary>GiB, MiB, KiB or bytes.</summary>
    public static string Short(double bytes) => Math.Abs(bytes) switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1L << 30):F2} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1L << 20):F1} MiB"),
        >= 1L << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1L << 10):F1} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes:F0} bytes"),
    };
}
