using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace D2Pruner.AI.Server;

/// <summary>Images in <c>data:</c> URLs, decoded from the request's own bytes: one megabyte of image never becomes a string.</summary>
internal static class DataUrl
{
    private const int LongestHeader = 256;

    /// <summary>Whether a JSON string begins with <c>data:</c>.</summary>
    public static bool Is(JsonElement url) => JsonMarshal.GetRawUtf8Value(url) is var raw && raw.Length > 6
        && System.Text.Ascii.EqualsIgnoreCase(raw.Slice(1, 5), "data:"u8);

    /// <summary>Decodes a data URL.</summary>
    /// <param name="url">A JSON string for which <see cref="Is"/> holds.</param>
    /// <param name="path">Where it stands in the request.</param>
    /// <returns>Media type and bytes.</returns>
    /// <exception cref="RequestException">It is no base64 data URL of an image.</exception>
    public static (string MediaType, byte[] Bytes) Decode(JsonElement url, string path)
    {
        var raw = JsonMarshal.GetRawUtf8Value(url)[1..^1];
        byte[]? unescaped = null;
        try
        {
            if (raw.Contains((byte)'\\'))
            {
                // Clients that escape '+' or '/': one more copy.
                unescaped = ArrayPool<byte>.Shared.Rent(raw.Length);
                var reader = new Utf8JsonReader(JsonMarshal.GetRawUtf8Value(url));
                reader.Read();
                raw = unescaped.AsSpan(0, reader.CopyString(unescaped));
            }

            var comma = raw[..Math.Min(raw.Length, LongestHeader)].IndexOf((byte)',');
            if (comma < 0) throw Bad(path, "has no comma between its header and its bytes");
            var header = System.Text.Encoding.UTF8.GetString(raw[5..comma]);
            if (!header.EndsWith(";base64", StringComparison.OrdinalIgnoreCase))
                throw Bad(path, "is not base64; expected data:image/png;base64,...");
            var type = header.Split(';')[0].Trim().ToLowerInvariant();
            if (type.Length == 0) type = "application/octet-stream";
            if (!type.StartsWith("image/", StringComparison.Ordinal) && type != "application/octet-stream")
                throw Bad(path, $"is of type '{type}'; expected image/...");
            if (type.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('/' or '.' or '+' or '-' or '*')))
                throw Bad(path, "names a malformed media type; expected image/...");
            return (type, Bytes(raw[(comma + 1)..], path));
        }
        finally
        {
            if (unescaped is not null) ArrayPool<byte>.Shared.Return(unescaped);
        }
    }

    private static byte[] Bytes(ReadOnlySpan<byte> base64, string path)
    {
        if (base64.Length == 0) throw Bad(path, "holds no bytes");
        // Without white space the length is told by the end, and one look at the text is enough.
        var padding = base64[^1] != '=' ? 0 : base64.Length > 1 && base64[^2] == '=' ? 2 : 1;
        var bytes = GC.AllocateUninitializedArray<byte>(Math.Max(0, base64.Length / 4 * 3 - padding));
        if (Decodes(base64, bytes) && bytes.Length > 0) return bytes;
        if (!Base64.IsValid(base64, out var length)) throw Bad(path, "holds malformed base64");
        if (length == 0) throw Bad(path, "holds no bytes");
        bytes = new byte[length];
        if (!Decodes(base64, bytes)) throw Bad(path, "holds malformed base64");
        return bytes;
    }

    private static bool Decodes(ReadOnlySpan<byte> base64, byte[] bytes) =>
        Base64.DecodeFromUtf8(base64, bytes, out _, out var written) == OperationStatus.Done && written == bytes.Length;

    private static RequestException Bad(string path, string what) =>
        RequestException.Bad(path, $"The data URL at '{path}' {what}.", "invalid_image_url");
}
