using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace D2Pruner.AI;

/// <summary>JSON for prompts: on one line, characters as they are.</summary>
internal static class CompactJson
{
    /// <summary>A string in quotes.</summary>
    public static string Quote(string text) => "\"" + JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text) + "\"";

    /// <summary>The text of a JSON value, without line breaks and indentation.</summary>
    public static string Rewrite(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Rewrite(document.RootElement);
    }

    /// <summary>A JSON value, without line breaks and indentation.</summary>
    public static string Rewrite(JsonElement json)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) json.WriteTo(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
