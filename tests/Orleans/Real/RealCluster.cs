using D2Pruner.AI.Orleans.Client;
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
    private readonly Func<int, Task<WorkerProcess>> _start;

    private RealCluster(Storage storage, IHost client, List<WorkerProcess> workers, Func<int, Task<WorkerProcess>> start) =>
        (_storage, _client, _workers, _start) = (storage, client, workers, start);

    public Storage Storage => _storage;

    public IReadOnlyList<WorkerProcess> Workers => _workers;

    public IChatClient Client => _client.Services.GetRequiredService<IChatClient>();

    public ClusterView View => _client.Services.GetRequiredService<ClusterView>();

    /// <summary>Starts one and waits until all its workers serve.</summary>
    /// <param name="kind">Its database.</param>
    /// <param name="count">Its workers.</param>
    /// <param name="prefill">Milliseconds before an answer's first piece.</param>
    /// <param name="step">Milliseconds before each further one.</param>
    /// <param name="network">Where each worker has a place of its own; null starts all of them at the loopback address.</param>
    public static async Task<RealCluster> StartAsync(string kind, int count, int prefill, int step, CutNetwork? network = null)
    {
        var storage = await (network is null ? Storage.StartAsync(kind) : Storage.StartAsync(kind, network.Address));
        Task<WorkerProcess> Begin(int place) => WorkerProcess.StartAsync(storage, Ports.Next(), "a", prefill, step, network, place);
        // The first one makes the cluster's row.
        var workers = new List<WorkerProcess> { await Begin(0) };
        workers.AddRange(await Task.WhenAll(Enumerable.Range(1, count - 1).Select(Begin)));
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
        var cluster = new RealCluster(storage, host, workers, Begin);
        await cluster.ServingAsync(count);
        return cluster;
    }

    /// <summary>Starts one more, in a place of the network's.</summary>
    public async Task<WorkerProcess> AddAsync(int place)
    {
        var worker = await _start(place);
        _workers.Add(worker);
        return worker;
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

    /// <summary>The worker that is giving at least so many answers.</summary>
    public async Task<WorkerProcess> BusyAsync(int load = 1)
    {
        for (var i = 0; i < 200; i++)
        {
            if ((await ReadAsync()).Serving("vision").FirstOrDefault(w => w.Model.Load >= load).Worker is { } busy)
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
