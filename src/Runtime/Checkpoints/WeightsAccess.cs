using D2Pruner.AI.Runtime.Native;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>How a model's weight files are used, and why.</summary>
/// <param name="InMemory">Copied while loading; else mapped: pages are read from the file as they are
/// needed, and shared between processes.</param>
/// <param name="Reason">Why, in words.</param>
internal sealed record WeightsAccess(bool InMemory, string Reason)
{
    /// <summary>
    /// Decides. A mapped file that is made shorter ends the process with a signal that .NET cannot catch (SIGBUS), and one that is written
    /// changes the running model. Where nothing is asked for, files are mapped only where they cannot change: on Windows, which locks them;
    /// on a read-only file system; or where they are root's and neither this process nor anybody else
    /// may write them. Everything else is copied.
    /// </summary>
    /// <param name="files">The weight files.</param>
    /// <param name="inMemory">What the operator asks for; null for the default.</param>
    public static WeightsAccess Decide(IEnumerable<string> files, bool? inMemory)
    {
        ArgumentNullException.ThrowIfNull(files);
        if (inMemory is { } asked)
            return new WeightsAccess(
                asked, asked ? "WeightsInMemory is true" : "WeightsInMemory is false: the files must not change while the model is loaded");
        if (OperatingSystem.IsWindows()) return new WeightsAccess(false, "the system locks mapped files");
        foreach (var file in files)
        {
            if (MayChange(file) is { } why)
                return new WeightsAccess(true, $"'{Path.GetFileName(file)}' could change under a mapping: {why}");
        }

        return new WeightsAccess(false, "nobody can write the files");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{(InMemory ? "copied into memory" : "mapped")} ({Reason})";

    private static string? MayChange(string path)
    {
        if (!OperatingSystem.IsLinux()) return "this system does not tell who may write it";
        try
        {
            path = Path.GetFullPath(path);
            if (new DriveInfo(path).DriveType == DriveType.Network) return "it lies on a network file system";
            if (UnixFile.Status(path, out _) is not { } status) return "its status cannot be read";
            var (writable, isReadOnly) = UnixFile.Writable(path);
            if (isReadOnly) return null;
            if (writable) return "this process may write it";
            if (status.GroupOrOthersWrite) return "its group or everybody may write it";
            return status.Owner != 0 ? "its owner may write it" : null;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "its status cannot be read";
        }
    }
}
