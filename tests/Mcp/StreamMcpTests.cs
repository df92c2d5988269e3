using System.IO.Pipelines;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace D2Pruner.AI.Tests.Mcp;

/// <summary>The stdio transport's own protocol, over pipes in this process.</summary>
public sealed class StreamMcpTests : McpSuite
{
    private protected override async Task<McpConnection> ConnectAsync(ScriptedEngine engine, Action<D2PrunerMcpOptions>? configure = null)
    {
        var (toServer, toClient) = (new Pipe(), new Pipe());
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        McpConnection.Register(builder.Services, engine, Folder, configure)
            .WithStreamServerTransport(toServer.Reader.AsStream(), toClient.Writer.AsStream());
        var host = builder.Build();
        await host.StartAsync();
        var client = await McpClient.CreateAsync(new StreamClientTransport(toServer.Writer.AsStream(), toClient.Reader.AsStream()));
        return new McpConnection(client, engine, async () =>
        {
            await host.StopAsync();
            host.Dispose();
        });
    }
}
