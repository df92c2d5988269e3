using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace D2Pruner.AI;

/// <summary>JSON for prompts: on one line, characters as they are.</summary>
internal static class CompactJson
{
    private const int MaxDepth = 500;

    /// <summary>A string in quotes.</summary>
    public static string Quote(string text) => "\"" + JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text) + "\"";

    /// <summary>The text of a JSON value, without line breaks and indentation.</summary>
    /// <exception cref="ArgumentException">It is no JSON, nested too deep, or holds text that is no Unicode.</exception>
    public static string Rewrite(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return Rewrite(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"A JSON text of the request cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A JSON value, without line breaks and indentation.</summary>
    /// <exception cref="ArgumentException">It is nested too deep, or holds text that is no Unicode.</exception>
    public static string Rewrite(JsonElement json)
    {
        using var stream = new MemoryStream();
        try
        {
            using var writer = new Utf8JsonWriter(
                stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth });
            json.WriteTo(writer);
        }
        catch (InvalidOperationException e)
        {
            throw new ArgumentException(
                $"A JSON value of the request cannot be written into the prompt: it is nested more than {MaxDepth} deep, or holds half a " +
                $"surrogate pair ({e.Message})", e);
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }
}
