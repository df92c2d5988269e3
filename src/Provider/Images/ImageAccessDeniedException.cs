using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>An image URI was refused by the resolver in force.</summary>
public sealed class ImageAccessDeniedException : InvalidOperationException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="uri">The refused URI; its query and user info are not shown.</param>
    /// <param name="reason">Why, and what to do.</param>
    public ImageAccessDeniedException(Uri uri, string reason)
        : this(uri, reason, VisionErrorKind.InvalidRequest)
    {
    }

    /// <summary>Creates it with a kind.</summary>
    /// <param name="uri">The refused URI; its query and user info are not shown.</param>
    /// <param name="reason">Why, and what to do.</param>
    /// <param name="kind">The kind; <see cref="VisionErrorKind.TooLarge"/> where a limit was passed.</param>
    public ImageAccessDeniedException(Uri uri, string reason, VisionErrorKind kind)
        : base($"The image '{Show(uri)}' was not read: {reason}") => (Reason, Kind) = (reason, kind);

    /// <summary>Why it was refused.</summary>
    public string Reason { get; }

    /// <inheritdoc/>
    public VisionErrorKind Kind { get; }

    // Signed URLs carry their secret in the query, and data URIs their whole image in the path.
    private static string Show(Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (!uri.IsAbsoluteUri) return uri.OriginalString;
        if (uri.Scheme == "data") return "data:...";
        return uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
    }
}
