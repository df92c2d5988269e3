using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Orleans.Wire;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Hosting;

namespace D2Pruner.AI.Tests.Orleans.Real;

/// <summary>Workers in processes of their own, a database, and a client here.</summary>
internal sealed class RealCluster : IAsyncDisposable
{
    private readonly Storage _storage;
    private readonly IHost _client;
    private readonly List<WorkerProcess> _workers;

    private RealCluster(Storage storage, IHost client, List<WorkerProcess> workers) =>
        (_storage, _client, _workers) = (storage, client, workers);

    public Storage Storage => _storage;

    public IReadOnlyList<WorkerProcess> Workers => _workers;

    public IChatClient Client => _client.Services.GetRequiredService<IChatClient>();

    public ClusterView View => _client.Services.GetRequiredService<ClusterView>();

    public static async Task<RealCluster> StartAsync(string kind, int count, int prefill, int step)
    {
        var storage = await Storage.StartAsync(kind);
        var workers = new List<WorkerProcess>();
        // The first one makes the cluster's row.
        workers.Add(await WorkerProcess.StartAsync(storage, Ports.Next(), "a", prefill, step));
        workers.AddRange(await Task.WhenAll(Enumerable.Range(1, count - 1).Select(
            _ => WorkerProcess.StartAsync(storage, Ports.Next(), "a", prefill, step))));
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client =>
        {
            storage.Use(client);
            client.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (storage.Cluster, "d2pruner"));
            client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = TimeSpan.FromSeconds(10));
            client.Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromSeconds(2));
            client.Services.ConfigureD2PrunerCluster(o => o.LoadInterval = TimeSpan.FromMilliseconds(100));
            client.Services.AddD2PrunerOrleansChatClient("vision");
        });
        var host = builder.Build();
        await host.StartAsync();
        var cluster = new RealCluster(storage, host, workers);
        await cluster.ServingAsync(count);
        return cluster;
    }

    /// <summary>Waits until so many workers serve.</summary>
    public async Task ServingAsync(int count)
    {
        for (var i = 0; i < 600; i++)
        {
            if ((await ReadAsync()).Serving("vision").Count() == count) return;
            await Task.Delay(100);
        }

        throw new TimeoutException($"Not {count} workers, but:\n{string.Join("\n---\n", _workers.Select(w => w.Output))}");
    }

    /// <summary>The worker that is answering.</summary>
    public async Task<WorkerProcess> BusyAsync()
    {
        for (var i = 0; i < 200; i++)
        {
            if ((await ReadAsync()).Serving("vision").FirstOrDefault(w => w.Model.Load > 0).Worker is { } busy)
                return _workers.Single(w => w.Address == busy.Silo.ToParsableString());
            await Task.Delay(50);
        }

        throw new TimeoutException("No worker is busy.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers) await worker.DisposeAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _client.StopAsync(limit.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        _client.Dispose();
        await _storage.DisposeAsync();
    }

    private async Task<BoardView> ReadAsync()
    {
        try
        {
            return await View.GetAsync();
        }
        catch (Exception)
        {
            return View.Latest;
        }
    }
}
