using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace D2Pruner.AI.Server;

/// <summary><c>/health/live</c> and <c>/health/ready</c>.</summary>
internal sealed class HealthEndpoints(Readiness readiness)
{
    public static Task LiveAsync(HttpContext context) => WriteAsync(context, 200, "live", null);

    public Task ReadyAsync(HttpContext context) => readiness.Problem() is { } problem ? WriteAsync(context, 503, "not_ready", problem)
        : WriteAsync(context, 200, "ready", null);

    private static async Task WriteAsync(HttpContext context, int status, string state, string? reason)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        var json = new Utf8JsonWriter(context.Response.BodyWriter, ServerJson.WriterOptions);
        await using (json.ConfigureAwait(false))
        {
            json.WriteStartObject();
            json.WriteString("status", state);
            if (reason is not null) json.WriteString("reason", reason);
            json.WriteEndObject();
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
