namespace D2Pruner.AI.Runtime;

/// <summary>An image, encoded.</summary>
/// <param name="Bytes">The file's bytes.</param>
public sealed record ImagePart(ReadOnlyMemory<byte> Bytes) : ChatPart
{
    /// <summary>Keep this share of the image's tokens instead of the request's.</summary>
    public double? KeepRatio { get; init; }

    /// <summary>Keep this many of the image's tokens instead of the request's share.</summary>
    public int? KeepTokens { get; init; }

    /// <summary>Prune nothing of this image.</summary>
    public bool KeepAll { get; init; }
}
