namespace D2Pruner.AI;

/// <summary>An image URI was refused by the resolver in force.</summary>
public sealed class ImageAccessDeniedException : InvalidOperationException
{
    /// <summary>Creates it.</summary>
    /// <param name="uri">The refused URI; its query and user info are not shown.</param>
    /// <param name="reason">Why, and what to do.</param>
    public ImageAccessDeniedException(Uri uri, string reason)
        : base($"The picture '{Show(uri)}' was not read: {reason}") => Reason = reason;

    /// <summary>Why it was refused.</summary>
    public string Reason { get; }

    // Signed URLs carry their secret in the query, and data URIs their whole picture in the path.
    private static string Show(Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (!uri.IsAbsoluteUri) return uri.OriginalString;
        if (uri.Scheme == "data") return "data:...";
        return uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
    }
}
