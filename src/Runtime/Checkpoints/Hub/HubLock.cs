namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>One process writes a content at a time. On Unix .NET's exclusive open is the same <c>flock</c>
/// that the Python client takes.</summary>
internal static class HubLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits for a lock.</summary>
    /// <param name="path">The lock file; it stays behind, as removing it would let two in.</param>
    /// <param name="waiting">Called once when another one holds it.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static async Task<IDisposable> AcquireAsync(string path, Action waiting, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var told = false; ;)
        {
            RegularFile.Check(path);
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                if (!told) waiting();
                told = true;
                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
