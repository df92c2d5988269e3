namespace D2Pruner.AI;

/// <summary>
/// Reads images that a message only names (<c>UriContent</c>). The default denies everything but <c>data:</c> URIs, because in process it
/// is this program's own network and disk that would be read; register an implementation of your own to allow more.
/// </summary>
public interface IImageResolver
{
    /// <summary>Reads the encoded image behind a URI.</summary>
    /// <param name="uri">The URI as it stands in the message.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <returns>The encoded bytes.</returns>
    /// <exception cref="ImageAccessDeniedException">The resolver does not allow this URI.</exception>
    ValueTask<ReadOnlyMemory<byte>> ResolveAsync(Uri uri, CancellationToken cancellationToken);
}
