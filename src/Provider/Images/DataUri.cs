namespace D2Pruner.AI;

/// <summary>Decodes <c>data:</c> URIs within a byte limit; the limit is checked before anything is decoded.</summary>
internal static class DataUri
{
    public static ReadOnlyMemory<byte> Decode(Uri uri, long maxBytes)
    {
        var text = uri.OriginalString;
        var comma = text.IndexOf(',', StringComparison.Ordinal);
        if (comma < 0) throw new ImageAccessDeniedException(uri, "the data URI has no comma between its header and its bytes.");
        var payload = text.AsSpan(comma + 1);
        var isBase64 = text.AsSpan(0, comma).EndsWith(";base64", StringComparison.OrdinalIgnoreCase);
        // Three quarters for base64; a percent-encoded payload decodes to a third of its length at the least.
        if (payload.Length / (isBase64 ? 4 * 3 : 3) > maxBytes || (isBase64 && payload.Length / 4 * 3L > maxBytes + 3))
            throw new ImageAccessDeniedException(uri, $"it holds more than the {maxBytes} bytes allowed.", Runtime.VisionErrorKind.TooLarge);
        if (!isBase64) return System.Web.HttpUtility.UrlDecodeToBytes(payload.ToString());
        try
        {
            return Convert.FromBase64String(Uri.UnescapeDataString(payload));
        }
        catch (FormatException)
        {
            throw new ImageAccessDeniedException(uri, "its base64 text is malformed.");
        }
    }
}
