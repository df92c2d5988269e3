using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace D2Pruner.AI.AgentBenchmark;

/// <summary>MCP servers over <see cref="InstantClient"/>.</summary>
internal static class InstantServer
{
    /// <summary>Over stdin and stdout, until they close.</summary>
    public static async Task RunStdioAsync(CancellationToken cancellationToken)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        Register(builder.Services).WithStdioServerTransport();
        using var host = builder.Build();
        await host.RunAsync(cancellationToken);
    }

    /// <summary>Over HTTP, on a free port of this machine.</summary>
    public static async Task<WebApplication> StartHttpAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        Register(builder.Services);
        var app = builder.Build();
        app.UseRouting();
        app.MapD2PrunerMcp();
        await app.StartAsync();
        return app;
    }

    private static IMcpServerBuilder Register(IServiceCollection services)
    {
        services.AddSingleton<IChatClient>(new InstantClient());
        services.AddD2PrunerVisionTools(o => o.AllowedFolders.Add(OverheadBenchmark.Folder));
        return services.AddD2PrunerMcp();
    }
}
