using System.CommandLine;
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
