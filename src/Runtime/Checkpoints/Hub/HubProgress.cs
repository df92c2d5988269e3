namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Progress of fetching or checking a model.</summary>
/// <param name="Stage">What is being done, for people.</param>
/// <param name="BytesDone">Bytes done, with what an earlier run left.</param>
/// <param name="BytesTotal">Bytes in all; 0 while unknown.</param>
/// <param name="BytesPerSecond">Speed over the last seconds; 0 while unknown.</param>
/// <param name="FilesDone">Files done.</param>
/// <param name="FilesTotal">Files in all.</param>
public readonly record struct HubProgress(
    string Stage, long BytesDone, long BytesTotal, double BytesPerSecond, int FilesDone, int FilesTotal)
{
    /// <summary>0..1.</summary>
    public double Fraction => BytesTotal > 0 ? Math.Min(1, (double)BytesDone / BytesTotal) : 0;

    /// <summary>Time left at this speed; null while unknown.</summary>
    public TimeSpan? TimeLeft => BytesPerSecond > 0 && BytesTotal > 0
        ? TimeSpan.FromSeconds(Math.Min(1e9, (BytesTotal - BytesDone) / BytesPerSecond)) : null;
}
