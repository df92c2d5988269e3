namespace D2Pruner.AI;

/// <summary>Where a call's images come from.</summary>
internal interface IImageSource
{
    /// <summary>Reads an image.</summary>
    /// <exception cref="ImageAccessDeniedException">It may not be read, does not exist, is too big or is no image.</exception>
    ValueTask<ReadOnlyMemory<byte>> ReadAsync(string reference, CancellationToken cancellationToken);

    /// <summary>Some of what may be named.</summary>
    IReadOnlyList<string> Names(int limit);
}
