namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>A file of a model on the Hub.</summary>
/// <param name="Name">Its name, never with a folder.</param>
/// <param name="Etag">The name of its content: SHA-256 in hex for large files, git's hash for small ones.</param>
/// <param name="Size">Its length in bytes; null where the Hub did not say.</param>
internal sealed record HubFile(string Name, string? Etag, long? Size)
{
    /// <summary>SHA-256 of the content in lower-case hex, where the Hub names one.</summary>
    public string? Sha256 => Etag is { Length: 64 } e && e.All(char.IsAsciiHexDigit) ? e.ToLowerInvariant() : null;
}
