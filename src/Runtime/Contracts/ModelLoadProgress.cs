namespace D2Pruner.AI.Runtime;

/// <summary>Progress of loading a model.</summary>
/// <param name="Stage">What is being done, for people.</param>
/// <param name="BytesLoaded">Bytes of weights loaded.</param>
/// <param name="BytesTotal">Bytes of weights in all.</param>
public readonly record struct ModelLoadProgress(string Stage, long BytesLoaded, long BytesTotal)
{
    /// <summary>0..1.</summary>
    public double Fraction => BytesTotal > 0 ? (double)BytesLoaded / BytesTotal : 0;
}
