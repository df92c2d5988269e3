using D2Pruner.AI.Tests.Orleans.Real;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>The same over a worker that loads the shipped model, in a silo that is its own client.</summary>
public sealed class LoadedClusterSuite : ClientSuite, IClassFixture<LoadedClusterSuite.Silo>
{
    public LoadedClusterSuite(Silo silo) => Client = silo.Client;

    private protected override IChatClient Client { get; }

    public sealed class Silo : IAsyncLifetime
    {
        private IHost _host = null!;

        public IChatClient Client => _host.Services.GetRequiredService<IChatClient>();

        public async Task InitializeAsync()
        {
            var builder = Host.CreateApplicationBuilder();
            builder.Logging.ClearProviders();
            builder.UseOrleans(silo =>
            {
                silo.UseLocalhostClustering(Ports.Next(), Ports.Next());
                var folder = Path.Combine(BuiltFolders.Root, "samples", "DemoModel", "demo-llava");
                silo.Services.AddD2PrunerModel("vision", o => (o.ModelPath, o.Device) = (folder, "cpu"));
                silo.AddD2PrunerWorker();
                silo.Services.AddD2PrunerOrleansChatClient("vision");
            });
            _host = builder.Build();
            await _host.StartAsync();
        }

        public async Task DisposeAsync()
        {
            await _host.StopAsync();
            _host.Dispose();
        }
    }
}
