using System.Net;
using System.Text;
using D2Pruner.AI.Tests.Provider;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol.Client;
using Xunit;

namespace D2Pruner.AI.Tests.Mcp;

/// <summary>Streamable HTTP in an ASP.NET Core application.</summary>
public sealed class HttpMcpTests : McpSuite
{
    internal static async Task<WebApplication> StartAsync(ScriptedEngine engine, string folder, Action<D2PrunerMcpOptions>? configure)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        McpConnection.Register(builder.Services, engine, folder, configure);
        var app = builder.Build();
        app.UseRouting();
        app.MapD2PrunerMcp();
        await app.StartAsync();
        return app;
    }

    private protected override async Task<McpConnection> ConnectAsync(ScriptedEngine engine, Action<D2PrunerMcpOptions>? configure = null)
    {
        var app = await StartAsync(engine, Folder, configure);
        var transport = new HttpClientTransport(new HttpClientTransportOptions { Endpoint = new Uri(app.Urls.Single() + "/mcp"),
            TransportMode = HttpTransportMode.StreamableHttp });
        return new McpConnection(await McpClient.CreateAsync(transport), engine, async () =>
        {
            await transport.DisposeAsync();
            await app.DisposeAsync();
        });
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("http://localhost:3000", true)]
    [InlineData("http://127.0.0.1", true)]
    [InlineData("https://app.example.org", true)]
    [InlineData("https://evil.example", false)]
    [InlineData("http://localhost.evil.example", false)]
    [InlineData("null", false)]
    public async Task PagesOfOtherOrigins_AreRefused(string? origin, bool allowed)
    {
        await using var app = await StartAsync(new ScriptedEngine(), Folder, o => o.AllowedOrigins.Add("https://app.example.org/"));
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, app.Urls.Single() + "/mcp");
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        if (origin is not null) request.Headers.Add("Origin", origin);
        request.Content = new StringContent("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""", Encoding.UTF8, "application/json");
        using var response = await http.SendAsync(request);
        Assert.Equal(allowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task MappingWithoutRegistering_SaysWhatIsMissing()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        await using var app = builder.Build();
        Assert.Contains("AddD2PrunerMcp", Assert.Throws<InvalidOperationException>(() => app.MapD2PrunerMcp()).Message);
    }
}
