namespace D2Pruner.AI.Runtime;

/// <summary>Errors of a GPU that stay: whatever the process computes on it from then on fails the same way, and no request is at
/// fault.</summary>
internal static class DeviceErrors
{
    private static readonly string[] Lasting =
    [
        "illegal memory access", "device-side assert", "misaligned address", "unspecified launch failure", "launch timed out",
        "uncorrectable ECC", "illegal instruction", "hardware stack error", "invalid program counter", "invalid address space",
        "global/shared address space",
    ];

    /// <summary>Whether an error is one of them. CUDA says it in words.</summary>
    public static bool IsLasting(Exception e) => e is not (OperationCanceledException or EngineUnavailableException)
        && Array.Exists(e.Message.Split('\n'), SaysSo);

    /// <summary>Whether an engine ended by one of them, so that loading again in this process is of no use.</summary>
    public static bool IsLost(Exception e) => e is EngineUnavailableException { InnerException: { } cause } && IsLasting(cause);

    /// <summary>What a caller hears: of the message the first line; the native stack follows it.</summary>
    public static EngineUnavailableException Lost(Exception e) =>
        new($"{e.Message.Split('\n')[0].Trim()}. The process cannot use the GPU any more: restart it.", e);

    // One line: the advice that libtorch adds to every CUDA error names device-side assertions too.
    private static bool SaysSo(string line) => line.Contains("CUDA error", StringComparison.OrdinalIgnoreCase)
        && Array.Exists(Lasting, words => line.Contains(words, StringComparison.OrdinalIgnoreCase));
}
