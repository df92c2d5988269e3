using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI.Tests.Hub;

/// <summary>A real HTTP server on loopback that speaks the Hub's API: a listing, files, and a second port that large files are
/// redirected to, as its network does.</summary>
internal sealed class FakeHub : IAsyncDisposable
{
    public const string Repository = "owner/tiny";

    private readonly WebApplication _hub;
    private readonly WebApplication _network;
    private readonly Dictionary<string, (byte[] Content, bool Large)> _files = new(StringComparer.Ordinal);
    private readonly List<string> _foreign = [];
    private int _running;

    private FakeHub()
    {
        _hub = Server(HubAsync);
        _network = Server((context, _) => ServeAsync(context, Path.GetFileName(context.Request.Path.Value!)));
    }

    /// <summary>A request that came.</summary>
    public sealed record Seen(string Method, string Path, string? Range, string? Authorization, bool Network);

    public string Endpoint => Address(_hub);

    public string Commit { get; set; } = new('a', 40);

    /// <summary>Revisions that exist besides the commit.</summary>
    public HashSet<string> Revisions { get; } = ["main"];

    public ConcurrentQueue<Seen> Requests { get; } = [];

    /// <summary>Whether the listing tells sizes and hashes, as with <c>blobs=true</c>.</summary>
    public bool ListsBlobs { get; set; } = true;

    /// <summary>Whether ranges are honoured.</summary>
    public bool Ranges { get; set; } = true;

    /// <summary>Sees every request before it is answered; true: it was answered.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    /// <summary>Changes what is sent of a file (content, offset); the announced length stays.</summary>
    public Func<HttpContext, string, byte[], Task<bool>>? Body { get; set; }

    /// <summary>Most files that were sent at the same time.</summary>
    public int MostAtOnce { get; private set; }

    public static async Task<FakeHub> StartAsync(string? modelFolder = null)
    {
        var hub = new FakeHub();
        if (modelFolder is not null)
        {
            foreach (var file in Directory.GetFiles(modelFolder)) hub.Add(Path.GetFileName(file), File.ReadAllBytes(file));
        }

        await hub._hub.StartAsync();
        await hub._network.StartAsync();
        return hub;
    }

    public void Add(string name, byte[] content) =>
        _files[name] = (content, name.EndsWith(".safetensors", StringComparison.Ordinal)
            || name.EndsWith(".bin", StringComparison.Ordinal));

    public void Remove(string name) => _files.Remove(name);

    /// <summary>A name that only the listing has.</summary>
    public void AddToListing(string name) => _foreign.Add(name);

    public byte[] Content(string name) => _files[name].Content;

    public IEnumerable<Seen> Gets(string name) =>
        Requests.Where(r => r.Method == "GET" && r.Path.EndsWith("/" + name, StringComparison.Ordinal));

    public static string Etag(byte[] content, bool large) => large
        ? Convert.ToHexStringLower(SHA256.HashData(content))
        : Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _network.DisposeAsync();
    }

    private static string Address(WebApplication server) =>
        server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    private WebApplication Server(Func<HttpContext, FakeHub, Task> handle)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var server = builder.Build();
        server.Run(async context =>
        {
            var request = context.Request;
            Requests.Enqueue(new Seen(
                request.Method, request.Path, request.Headers.Range, request.Headers.Authorization, ReferenceEquals(server, _network)));
            if (Intercept is not null && await Intercept(context)) return;
            await handle(context, this);
        });
        return server;
    }

    private async Task HubAsync(HttpContext context, FakeHub _)
    {
        var parts = context.Request.Path.Value!.Trim('/').Split('/');
        if (parts is ["api", "models" or "datasets", var owner, var name, "revision", ..] && $"{owner}/{name}" == Repository)
        {
            var revision = Uri.UnescapeDataString(string.Join('/', parts[5..]));
            if (revision != Commit && !Revisions.Contains(revision))
            {
                Error(context, 404, "RevisionNotFound");
                return;
            }

            await context.Response.WriteAsync(Listing().ToJsonString());
            return;
        }

        if (parts is ["datasets", ..]) parts = parts[1..];
        if (parts is [var o, var n, "resolve", _, .. var path] && $"{o}/{n}" == Repository)
        {
            var file = string.Join('/', path);
            if (!_files.TryGetValue(file, out var content))
            {
                Error(context, 404, "EntryNotFound");
                return;
            }

            context.Response.Headers["X-Repo-Commit"] = Commit;
            if (!content.Large)
            {
                await ServeAsync(context, file);
                return;
            }

            context.Response.Headers["X-Linked-Etag"] = $"\"{Etag(content.Content, true)}\"";
            context.Response.Headers["X-Linked-Size"] = $"{content.Content.Length}";
            context.Response.Redirect($"{Address(_network)}/objects/{file}");
            return;
        }

        Error(context, 401, "RepoNotFound");
    }

    private static void Error(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Error-Code"] = code;
    }

    private JsonObject Listing() => new()
    {
        ["id"] = Repository,
        ["sha"] = Commit,
        ["siblings"] = new JsonArray(
            [.. _files.Select(f => Sibling(f.Key, f.Value.Content, f.Value.Large)),
                .. _foreign.Select(f => new JsonObject { ["rfilename"] = f, ["size"] = 1, ["blobId"] = new string('0', 40) })]),
    };

    private JsonObject Sibling(string name, byte[] content, bool large)
    {
        var json = new JsonObject { ["rfilename"] = name };
        if (!ListsBlobs) return json;
        json["size"] = content.Length;
        json["blobId"] = new string('b', 40);
        if (large) json["lfs"] = new JsonObject { ["sha256"] = Etag(content, true), ["size"] = content.Length, ["pointerSize"] = 134 };
        else json["blobId"] = Etag(content, false);
        return json;
    }

    private async Task ServeAsync(HttpContext context, string name)
    {
        var (content, large) = _files[name];
        var from = 0;
        if (Ranges && context.Request.Headers.Range.ToString() is { Length: > 0 } range)
        {
            from = int.Parse(range["bytes=".Length..].TrimEnd('-'), System.Globalization.CultureInfo.InvariantCulture);
            if (from >= content.Length)
            {
                context.Response.StatusCode = 416;
                return;
            }

            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {from}-{content.Length - 1}/{content.Length}";
        }

        context.Response.Headers.ETag = $"\"{Etag(content, large)}\"";
        context.Response.ContentLength = content.Length - from;
        if (context.Request.Method == "HEAD") return;
        lock (_files) MostAtOnce = Math.Max(MostAtOnce, ++_running);
        try
        {
            if (Body is not null && await Body(context, name, content[from..])) return;
            await context.Response.Body.WriteAsync(content.AsMemory(from));
        }
        finally
        {
            lock (_files) _running--;
        }
    }
}
