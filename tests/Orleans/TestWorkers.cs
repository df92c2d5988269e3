using System.Globalization;
using D2Pruner.AI.Orleans;
using D2Pruner.AI.Orleans.Workers;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.TestingHost;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>A cluster of workers in this process, and a client outside of it.</summary>
internal sealed class TestWorkers : IAsyncDisposable
{
    public const string Model = "vision";
    private Func<int, IVisionEngine> _engine;
    private int _started;

    private TestWorkers(Func<int, IVisionEngine> engine) => _engine = engine;

    public InProcessTestCluster Cluster { get; private set; } = null!;

    public IChatClient Client => Cluster.Client.ServiceProvider.GetRequiredService<IChatClient>();

    /// <summary>The engines of the workers that run, in the order of their start.</summary>
    public IReadOnlyList<EchoEngine> Engines => [.. Cluster.Silos.Select(EngineOf)];

    /// <summary>Starts workers and waits until all have told that they are ready.</summary>
    public static async Task<TestWorkers> StartAsync(
        int count, Func<int, IVisionEngine> engine, Action<D2PrunerClusterOptions>? cluster = null,
        Action<D2PrunerWorkerOptions>? worker = null, TimeSpan? farewell = null, Action<IClientBuilder>? asking = null)
    {
        var workers = new TestWorkers(engine);
        var builder = new InProcessTestClusterBuilder((short)count);
        builder.Options.ConfigureFileLogging = false;
        void Fast(D2PrunerClusterOptions options)
        {
            options.LoadInterval = TimeSpan.FromMilliseconds(50);
            options.FailoverTimeout = TimeSpan.FromSeconds(20);
            cluster?.Invoke(options);
        }

        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(new ServedModel(
                Model, new LoadedModel(workers._engine(Interlocked.Increment(ref workers._started) - 1))));
            silo.AddD2PrunerWorker(worker);
            silo.Services.ConfigureD2PrunerCluster(Fast);
            // The test cluster's own is none, Orleans' 5 s: clients that come through a stopping silo have this long to turn elsewhere.
            if (farewell is { } time)
                silo.Services.PostConfigure<SiloMessagingOptions>(o => o.ClientGatewayShutdownNotificationTimeout = time);
            silo.Configure<ClusterMembershipOptions>(o =>
            {
                o.ProbeTimeout = TimeSpan.FromMilliseconds(500);
                o.NumMissedProbesLimit = 2;
            });
        });
        builder.ConfigureClient(client =>
        {
            client.Services.ConfigureD2PrunerCluster(Fast);
            // What came through a silo that was killed is waited for this long.
            client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = TimeSpan.FromSeconds(5));
            client.Services.AddD2PrunerOrleansChatClient(Model);
            asking?.Invoke(client);
        });
        workers.Cluster = builder.Build();
        await workers.Cluster.DeployAsync();
        await workers.ReadyAsync(count);
        return workers;
    }

    /// <summary>Starts one more.</summary>
    public async Task<InProcessSiloHandle> AddAsync(Func<int, IVisionEngine>? engine = null)
    {
        if (engine is not null) _engine = engine;
        var silo = await Cluster.StartAdditionalSiloAsync();
        await ReadyAsync(Cluster.Silos.Count);
        return silo;
    }

    public static EchoEngine EngineOf(InProcessSiloHandle silo) =>
        (EchoEngine)silo.ServiceProvider.GetRequiredService<ServedModel>().Source.Current!;

    /// <summary>A question about one of many images.</summary>
    public static ChatMessage Ask(int image, string question) =>
        new(ChatRole.User, [new DataContent(Image(image), "image/png"), new TextContent(question)]);

    /// <summary>Bytes that stand for an image; this package never looks into one.</summary>
    public static byte[] Image(int number) => [0x89, 0x50, 0x4E, 0x47, .. BitConverter.GetBytes(number)];

    public async ValueTask DisposeAsync() => await Cluster.DisposeAsync();

    /// <summary>Waits for something that comes about by itself.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var limit = DateTime.UtcNow + TimeSpan.FromSeconds(30);
        while (!condition())
        {
            if (DateTime.UtcNow > limit) throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"Waited in vain: {what}"));
            await Task.Delay(10);
        }
    }

    private Task ReadyAsync(int count) => UntilAsync(
        () => Cluster.Silos.All(s => s.ServiceProvider.GetRequiredService<D2Pruner.AI.Orleans.Client.ClusterView>().Latest
            .Serving(Model).Count() == count), "every worker knows all others");
}
