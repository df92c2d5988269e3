using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol.Client;

namespace D2Pruner.AI.Tests.Mcp;

/// <summary>A server over a scripted engine, and the SDK's own client connected to it.</summary>
internal sealed class McpConnection(McpClient client, ScriptedEngine engine, Func<ValueTask> stop) : IAsyncDisposable
{
    public McpClient Client { get; } = client;

    public ScriptedEngine Engine { get; } = engine;

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await stop();
    }

    /// <summary>What every server of these tests registers.</summary>
    public static IMcpServerBuilder Register(IServiceCollection services, ScriptedEngine engine, string? folder,
        Action<D2PrunerMcpOptions>? configure)
    {
        services.AddKeyedSingleton<IChatClient>("eyes", new D2PrunerChatClient(engine));
        services.AddD2PrunerVisionTools(o => { if (folder is not null) o.AllowedFolders.Add(folder); }, "eyes");
        return services.AddD2PrunerMcp(configure);
    }
}
