namespace D2Pruner.AI.Runtime.Models;

/// <summary>Device names of the options.</summary>
internal static class DeviceName
{
    public static bool IsValid(string? name) => name is "auto" or "cpu" || (name is not null && CudaIndex(name) >= 0);

    /// <summary>0 for <c>auto</c> and <c>cuda</c>, N for <c>cuda:N</c>, -1 for anything else.</summary>
    public static int CudaIndex(string name) =>
        name is "cuda" or "auto" ? 0
        : name.StartsWith("cuda:", StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(5), System.Globalization.NumberStyles.None, null, out var i) ? i
        : -1;
}
