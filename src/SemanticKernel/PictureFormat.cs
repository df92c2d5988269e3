namespace D2Pruner.AI.SemanticKernel;

/// <summary>Picture formats by their first bytes: a function that reads files must hand out pictures only.</summary>
internal static class PictureFormat
{
    /// <summary>The media type, or null when the bytes are no picture.</summary>
    public static string? MediaType(ReadOnlySpan<byte> bytes)
    {
        if (bytes is [0x89, (byte)'P', (byte)'N', (byte)'G', ..]) return "image/png";
        if (bytes is [0xFF, 0xD8, 0xFF, ..]) return "image/jpeg";
        if (bytes.StartsWith("GIF8"u8)) return "image/gif";
        if (bytes.StartsWith("BM"u8) && bytes.Length > 26) return "image/bmp";
        return bytes.StartsWith("RIFF"u8) && bytes.Length > 12 && bytes[8..].StartsWith("WEBP"u8) ? "image/webp" : null;
    }
}
