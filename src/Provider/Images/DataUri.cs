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
        if (DecodedLength(payload, isBase64) > maxBytes)
            throw new ImageAccessDeniedException(
                uri, $"it holds more than the {maxBytes} bytes allowed.", Runtime.VisionErrorKind.TooLarge);
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

    // Counted, not guessed: three characters of an escape are one byte or one base64 character. Characters beyond
    // ASCII count as the bytes of their UTF-8.
    private static long DecodedLength(ReadOnlySpan<char> payload, bool isBase64)
    {
        long units = System.Text.Encoding.UTF8.GetByteCount(payload);
        for (var at = 0; at + 2 < payload.Length; at++)
        {
            if (payload[at] != '%' || !char.IsAsciiHexDigit(payload[at + 1]) || !char.IsAsciiHexDigit(payload[at + 2])) continue;
            units -= 2;
            at += 2;
        }

        if (!isBase64) return units;
        var padding = payload.EndsWith("==") ? 2 : payload.EndsWith('=') ? 1
            : payload.EndsWith("%3D%3D", StringComparison.OrdinalIgnoreCase) ? 2
            : payload.EndsWith("%3D", StringComparison.OrdinalIgnoreCase) ? 1 : 0;
        return units / 4 * 3 - padding;
    }
}
