namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>One process writes a content at a time.</summary>
internal static class HubLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits for a lock.</summary>
    /// <param name="path">The lock file.</param>
    /// <param name="waiting">Called once when another one holds it.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static async Task<IDisposable> AcquireAsync(string path, Action waiting, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var told = false; ;)
        {
            if (FileLock.TryTake(path) is { } held) return held;
            if (!told) waiting();
            told = true;
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }
}
