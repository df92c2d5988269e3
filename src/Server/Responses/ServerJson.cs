using System.Text.Encodings.Web;
using System.Text.Json;

namespace D2Pruner.AI.Server;

/// <summary>How this server writes and reads JSON.</summary>
internal static class ServerJson
{
    /// <summary>Answers go out as application/json only, never into HTML: letters of every language stay as they are.</summary>
    public static JsonWriterOptions WriterOptions { get; } =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static JsonDocumentOptions ReaderOptions { get; } = new() { MaxDepth = 64 };
}
