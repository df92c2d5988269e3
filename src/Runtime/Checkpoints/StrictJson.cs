using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>
/// JSON that can be read to its end without surprises: UTF-8, no lone surrogates in names or texts (<see cref="JsonElement"/> would throw
/// at some later look), and no deeper than <see cref="MaxDepth"/>.
/// </summary>
internal static class StrictJson
{
    /// <summary>Most objects and arrays within each other.</summary>
    public const int MaxDepth = 256;

    private static readonly UTF8Encoding Utf8Text = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Parses UTF-8 text.</summary>
    /// <param name="utf8">The text; kept by the document.</param>
    /// <param name="uniqueNames">Refuse a name that comes twice in one object; else the last one counts.</param>
    /// <exception cref="JsonException">It is not such JSON.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> utf8, bool uniqueNames = false)
    {
        Check(utf8.Span);
        return JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = !uniqueNames });
    }

    /// <summary>Parses text.</summary>
    /// <exception cref="JsonException">It is not such JSON.</exception>
    public static JsonDocument Parse(string text)
    {
        try
        {
            return Parse(Utf8Text.GetBytes(text));
        }
        catch (EncoderFallbackException e)
        {
            throw new JsonException($"The text has half a surrogate pair at character {e.Index}.", e);
        }
    }

    private static void Check(ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8)) throw new JsonException($"The text is not UTF-8 at byte {FirstInvalid(utf8)}.");
        if (!HasEscapedSurrogate(utf8)) return;
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.String) || !reader.ValueIsEscaped) continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException e)
            {
                throw new JsonException($"A text at byte {reader.TokenStartIndex} has half a surrogate pair.", e);
            }
        }
    }

    private static int FirstInvalid(ReadOnlySpan<byte> utf8)
    {
        var at = 0;
        while (at < utf8.Length && Rune.DecodeFromUtf8(utf8[at..], out _, out var n) == System.Buffers.OperationStatus.Done) at += n;
        return at;
    }

    private static bool HasEscapedSurrogate(ReadOnlySpan<byte> utf8)
    {
        for (int at; (at = utf8.IndexOf("\\u"u8)) >= 0; utf8 = utf8[(at + 2)..])
        {
            if (at + 2 < utf8.Length && utf8[at + 2] is (byte)'d' or (byte)'D') return true;
        }

        return false;
    }
}
