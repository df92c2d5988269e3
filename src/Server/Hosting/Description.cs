using Microsoft.AspNetCore.Http;

namespace D2Pruner.AI.Server;

/// <summary><c>/openapi/v1.json</c>: written by hand beside the code and embedded; a test holds it to the routes and the fields.</summary>
internal static class Description
{
    private static readonly byte[] Json = Load();

    public static Task WriteAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = Json.Length;
        return context.Response.Body.WriteAsync(Json, context.RequestAborted).AsTask();
    }

    private static byte[] Load()
    {
        using var stream = typeof(Description).Assembly.GetManifestResourceStream("openapi.json")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
