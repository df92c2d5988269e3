using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace D2Pruner.AI.Server;

/// <summary>The studio's files, embedded in this assembly: nothing is fetched from anywhere else, and
/// nothing on this disk is served.</summary>
internal static class StudioFiles
{
    private const string Prefix = "studio/";

    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src " +
        "'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly FrozenDictionary<string, StudioFile> Files = Load();

    /// <summary>Names of all files, as they stand behind <c>/studio/</c>.</summary>
    public static IEnumerable<string> Names => Files.Keys;

    public static Task IndexAsync(HttpContext context) => FileAsync(context, "index.html");

    public static async Task FileAsync(HttpContext context, string name)
    {
        if (!Files.TryGetValue(name, out var file))
        {
            await ErrorResponse.WriteAsync(context.Response, ServerError.NotFound("There is no such file.")).ConfigureAwait(false);
            return;
        }

        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()";
        headers.ETag = file.Tag;
        // Asked again each time, answered from the tag: a new version is seen at once.
        headers.CacheControl = "no-cache";
        context.Response.ContentType = file.Type;
        if (context.Request.Headers.IfNoneMatch.ToString().Contains(file.Tag, StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        context.Response.ContentLength = file.Bytes.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(file.Bytes, context.RequestAborted).ConfigureAwait(false);
    }

    private static FrozenDictionary<string, StudioFile> Load()
    {
        var assembly = typeof(StudioFiles).Assembly;
        var files = new Dictionary<string, StudioFile>(StringComparer.Ordinal);
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            var name = resource.Replace('\\', '/');
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            using var stream = assembly.GetManifestResourceStream(resource)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            files[name[Prefix.Length..]] =
                new StudioFile(bytes, TypeOf(name), $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes)[..8])}\"");
        }

        return files.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        ".png" => "image/png",
        ".jpg" => "image/jpeg",
        _ => "application/octet-stream",
    };

    private sealed record StudioFile(byte[] Bytes, string Type, string Tag);
}
