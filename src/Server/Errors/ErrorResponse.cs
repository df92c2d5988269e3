using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace D2Pruner.AI.Server;

/// <summary>Writes <c>{"error": {"message", "type", "param", "code"}}</c>.</summary>
internal static class ErrorResponse
{
    public static async Task WriteAsync(HttpResponse response, ServerError error)
    {
        if (response.HasStarted) return;
        // The other headers stay: pages of allowed origins read an error by them as they read an answer.
        response.Headers.Remove("X-Request-Id");
        response.ContentLength = null;
        response.StatusCode = error.Status;
        response.ContentType = "application/json; charset=utf-8";
        if (error.RetryAfter is { } seconds) response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (error.Status == StatusCodes.Status401Unauthorized) response.Headers.WWWAuthenticate = "Bearer";
        await response.Body.WriteAsync(Bytes(error), response.HttpContext.RequestAborted).ConfigureAwait(false);
    }

    public static void Write(Utf8JsonWriter json, ServerError error)
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", error.Message);
        json.WriteString("type", error.Type);
        json.WriteString("param", error.Param);
        json.WriteString("code", error.Code);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static byte[] Bytes(ServerError error)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, ServerJson.WriterOptions)) Write(json, error);
        return stream.ToArray();
    }
}
