namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>A file that one program at a time holds. It stays behind: removing it would let two in. On Unix .NET's exclusive open is the
/// same <c>flock</c> that the Python client of the Hub takes.</summary>
internal static class FileLock
{
    /// <summary>Takes the lock.</summary>
    /// <param name="path">The lock file, in a folder that is there.</param>
    /// <returns>What to dispose to let it go; null where another one holds it.</returns>
    /// <exception cref="IOException">It is no regular file, or cannot be made.</exception>
    public static IDisposable? TryTake(string path)
    {
        RegularFile.Check(path);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            return null;
        }
    }
}
