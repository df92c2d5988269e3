using System.Net;

namespace D2Pruner.AI;

/// <summary>
/// Reads images from allowed folders and hosts, and data URIs; refuses everything else. Safe for concurrent use. A folder's content is
/// trusted not to change between the check of a path and its reading.
/// </summary>
public sealed class AllowListImageResolver : IImageResolver, IDisposable
{
    private readonly AllowedFiles _files;
    private readonly AllowedHosts _hosts;
    private readonly long _maxBytes;

    /// <summary>Creates a resolver.</summary>
    /// <param name="options">What is allowed; copied.</param>
    /// <exception cref="ArgumentException">A limit is out of range, or a root does not exist.</exception>
    public AllowListImageResolver(ImageResolverOptions options) : this(options, null)
    {
    }

    internal AllowListImageResolver(ImageResolverOptions options, Func<string, CancellationToken, Task<IPAddress[]>>? lookUp)
    {
        ArgumentNullException.ThrowIfNull(options);
        var problems = new ImageResolverOptionsValidator().Validate(null, options);
        if (problems.Failed) throw new ArgumentException($"Image resolver options: {problems.FailureMessage}", nameof(options));
        _maxBytes = options.MaxBytes;
        _files = new AllowedFiles(options.AllowedRoots, options.MaxBytes, options.FollowLinks);
        _hosts = new AllowedHosts(options, lookUp ?? Dns.GetHostAddressesAsync);
    }

    /// <inheritdoc />
    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(Uri uri, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (!uri.IsAbsoluteUri) return _files.ReadAsync(uri, uri.OriginalString, cancellationToken);
        return uri.Scheme switch
        {
            "data" => ValueTask.FromResult(DataUri.Decode(uri, _maxBytes)),
            "file" when uri.IsUnc || uri.Host.Length > 0 =>
            throw new ImageAccessDeniedException(uri, "it names a file on another machine."),
            "file" => _files.ReadAsync(uri, uri.LocalPath, cancellationToken),
            "http" or "https" => _hosts.ReadAsync(uri, cancellationToken),
            _ => throw new ImageAccessDeniedException(uri, $"the scheme '{uri.Scheme}' is not read; use data, file, http or https."),
        };
    }

    /// <summary>Closes its connections.</summary>
    public void Dispose() => _hosts.Dispose();
}
