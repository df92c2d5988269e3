namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>A file that one program at a time holds. It stays behind: removing it would let two in. On Unix .NET's exclusive open is the
/// same <c>flock</c> that the Python client of the Hub takes.</summary>
internal static class FileLock
{
    // ERROR_SHARING_VIOLATION as an HRESULT; EWOULDBLOCK of Linux, and of macOS and the BSDs.
    private static readonly int Held = OperatingSystem.IsWindows() ? unchecked((int)0x80070020) : OperatingSystem.IsLinux() ? 11 : 35;

    /// <summary>Takes the lock.</summary>
    /// <param name="path">The lock file, in a folder that is there.</param>
    /// <returns>What to dispose to let it go; null where another one holds it.</returns>
    /// <exception cref="IOException">It is no regular file, or cannot be made or opened: too many files are open, the disk is full or
    /// read-only.</exception>
    public static IDisposable? TryTake(string path)
    {
        RegularFile.Check(path);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsHeld(e))
        {
            return null;
        }
    }

    /// <summary>Whether a file could not be opened because another one holds it; what else fails does not pass by waiting.</summary>
    internal static bool IsHeld(IOException e) => e.HResult == Held;
}
