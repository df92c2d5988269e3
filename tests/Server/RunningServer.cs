using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using D2Pruner.AI.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI.Tests.Server;

/// <summary>A server of this process at a free port of the loopback address, or in memory.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private RunningServer(WebApplication app, HttpClient http)
    {
        App = app;
        Http = http;
    }

    public WebApplication App { get; }

    public HttpClient Http { get; }

    public Uri Address => Http.BaseAddress!;

    /// <summary>Starts one over a client.</summary>
    public static Task<RunningServer> StartAsync(
        IChatClient client, Action<D2PrunerServerOptions>? options = null, bool inMemory = false, ILoggerProvider? log = null) =>
        StartAsync(services => services.AddChatClient(client), options, inMemory, log);

    /// <summary>Starts one over whatever is registered.</summary>
    public static async Task<RunningServer> StartAsync(
        Action<IServiceCollection> register, Action<D2PrunerServerOptions>? options = null, bool inMemory = false,
        ILoggerProvider? log = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Logging.ClearProviders();
        if (log is not null) builder.Logging.AddProvider(log);
        register(builder.Services);
        builder.Services.AddD2PrunerServer(options);
        if (inMemory) builder.WebHost.UseTestServer();
        else builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.UseRouting();
        app.MapD2PrunerServer();
        await app.StartAsync();
        var http = inMemory ? app.GetTestClient() : new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        http.Timeout = TimeSpan.FromSeconds(60);
        return new RunningServer(app, http);
    }

    public static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    public static string ChatBody(string fields = "", string content = "\"Hello?\"") =>
        $$"""{"messages":[{"role":"user","content":{{content}}}]{{(fields.Length > 0 ? "," + fields : "")}}}""";

    public static string ImagePart(byte[]? png = null) =>
        $$$"""{"type":"image_url","image_url":{"url":"data:image/png;base64,{{{Convert.ToBase64String(png ?? Provider.TinyPng.Bytes)}}}"}}""";

    public async Task<(HttpStatusCode Status, JsonElement Json, HttpResponseMessage Response)> ChatAsync(
        string body, string path = "v1/chat/completions", string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = Json(body) };
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, JsonDocument.Parse(text).RootElement, response);
    }

    /// <summary>The events of a streamed answer, the last one included.</summary>
    public async Task<List<string>> StreamAsync(string body, string path = "v1/chat/completions")
    {
        var response = await Http.PostAsync(path, Json(body));
        response.EnsureSuccessStatusCode();
        var text = await response.Content.ReadAsStringAsync();
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(e => e.StartsWith("data: ", StringComparison.Ordinal) ? e[6..] : throw new FormatException($"'{e}' is no data line."))];
    }

    /// <summary>Ends it at once, connections and all.</summary>
    public async Task KillAsync()
    {
        App.Services.GetRequiredService<Microsoft.Extensions.Options.IOptions<D2PrunerServerOptions>>().Value.DrainSeconds = 0;
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(1));
        await App.StopAsync(now.Token);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
    }
}
