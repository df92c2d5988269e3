namespace D2Pruner.AI;

/// <summary>The default: only bytes that are already in memory.</summary>
internal sealed class DenyAllImageResolver(long maxBytes) : IImageResolver
{
    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(Uri uri, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (uri is { IsAbsoluteUri: true, Scheme: "data" }) return ValueTask.FromResult(DataUri.Decode(uri, maxBytes));
        throw new ImageAccessDeniedException(uri,
            "no IImageResolver is registered, so nothing is fetched. Send the bytes as DataContent, or register an IImageResolver that " +
            "reads only the folders or hosts you trust.");
    }
}
