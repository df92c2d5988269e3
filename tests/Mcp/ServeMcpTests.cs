using System.CommandLine;
using System.Text;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Tests.SemanticKernel;
using Microsoft.AspNetCore.Builder;
using ModelContextProtocol.Client;
using Xunit;

namespace D2Pruner.AI.Tests.Mcp;

/// <summary><c>d2pruner serve --mcp</c>: the tools behind the server's keys.</summary>
[Collection(TorchCollection.Name)]
public sealed class ServeMcpTests
{
    private static WebApplication Build(params string[] arguments) =>
        ServeCommand.Build(ServeCommand.Create().Parse(["--model", Repository.DemoModel, "--port", "0", .. arguments]));

    private static async Task<McpClient> ConnectAsync(WebApplication app, string? key)
    {
        var options = new HttpClientTransportOptions { Endpoint = new Uri(app.Urls.Single() + "/mcp"),
            TransportMode = HttpTransportMode.StreamableHttp };
        if (key is not null) options.AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = $"Bearer {key}" };
        return await McpClient.CreateAsync(new HttpClientTransport(options));
    }

    [Fact]
    public async Task TheTools_StandBehindTheServersKeys()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("a.png"), Pictures.Png(1));
        File.WriteAllText(folder.File("keys"), "a-key-of-sixteen-letters\n");
        await using var app = Build("--mcp", "--allow-folder", folder.Path, "--api-key-file", folder.File("keys"));
        await app.StartAsync();
        await using var client = await ConnectAsync(app, "a-key-of-sixteen-letters");
        Assert.Equal(5, (await client.ListToolsAsync()).Count);
        Assert.Equal("a.png", Assert.Single(await client.ListResourcesAsync()).Name);
        foreach (var key in new[] { null, "another-key-of-letters" }) await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(app, key));
        await app.StopAsync();
    }

    [Fact]
    public async Task WhatIsPosted_CountsForTheKeysLimit()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("keys"), "a-key-of-sixteen-letters\nanother-key-of-letters\n");
        await using var app = Build("--mcp", "--api-key-file", folder.File("keys"), "--requests-per-minute", "2");
        await app.StartAsync();
        var three = new[] { await Post("a-key-of-sixteen-letters"), await Post("a-key-of-sixteen-letters"),
            await Post("a-key-of-sixteen-letters") };
        Assert.Equal(new[] { 200, 200, 429 }, three);
        Assert.Equal(200, await Post("another-key-of-letters"));
        await app.StopAsync();

        async Task<int> Post(string key)
        {
            using var response = await InitializeAsync(app, key: key);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task PagesOfNamedOrigins_MayCall()
    {
        await using var app = Build("--mcp", "--cors-origin", "https://app.example.org");
        await app.StartAsync();
        using var http = new HttpClient();
        foreach (var (origin, allowed) in new[] { ("https://app.example.org", true), ("https://evil.example", false) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Options, app.Urls.Single() + "/mcp")
            {
                Headers = { { "Origin", origin }, { "Access-Control-Request-Method", "POST" },
                    { "Access-Control-Request-Headers", "content-type,mcp-session-id" } },
            };
            using var preflight = await http.SendAsync(request);
            using var answer = await InitializeAsync(app, origin: origin);
            Assert.Equal((204, allowed ? 200 : 403), ((int)preflight.StatusCode, (int)answer.StatusCode));
            Assert.Equal(allowed ? origin : "", Header(preflight, "Access-Control-Allow-Origin"));
            Assert.Equal(allowed ? origin : "", Header(answer, "Access-Control-Allow-Origin"));
            if (!allowed) continue;
            Assert.Contains("DELETE", Header(preflight, "Access-Control-Allow-Methods"));
            Assert.Contains("mcp-session-id", Header(preflight, "Access-Control-Allow-Headers"));
            Assert.Contains("Mcp-Session-Id", Header(answer, "Access-Control-Expose-Headers"));
        }

        await app.StopAsync();

        static string Header(HttpResponseMessage response, string name) =>
            response.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : "";
    }

    [Fact]
    public async Task PagesOfEveryOrigin_MayCall_WhereTheOperatorSaysSo()
    {
        await using var app = Build("--mcp", "--cors-origin", "*");
        await app.StartAsync();
        using var answer = await InitializeAsync(app, origin: "https://any.example");
        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal("*", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
        await app.StopAsync();
    }

    private static async Task<HttpResponseMessage> InitializeAsync(WebApplication app, string? key = null, string? origin = null)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, app.Urls.Single() + "/mcp");
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        if (key is not null) request.Headers.Add("Authorization", $"Bearer {key}");
        if (origin is not null) request.Headers.Add("Origin", origin);
        request.Content = new StringContent("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""", Encoding.UTF8, "application/json");
        return await http.SendAsync(request);
    }

    [Fact]
    public async Task WithoutTheOption_ThereIsNone()
    {
        await using var app = Build();
        await app.StartAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(app, null));
        await app.StopAsync();
        Assert.Contains("--mcp", Assert.Throws<ArgumentException>(() => Build("--allow-folder", ".")).Message);
        Assert.Throws<DirectoryNotFoundException>(() => Build("--mcp", "--allow-folder", "/no/such/folder"));
    }
}
