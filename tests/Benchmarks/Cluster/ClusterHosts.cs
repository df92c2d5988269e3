using System.Diagnostics;
using System.Globalization;
using System.Net;
using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Orleans.Workers;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;

namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>Silos on this machine: the first one is this process's and serves nothing; workers are hosts beside it or processes.</summary>
internal static class ClusterHosts
{
    public const string Model = "vision";

    /// <summary>A silo that only asks.</summary>
    public static Task<IHost> AskingAsync(int port) => StartAsync(port, port, null);

    /// <summary>A worker in this process.</summary>
    public static Task<IHost> WorkerAsync(int port, int primary, IVisionEngine engine) => StartAsync(
        port, primary, silo => silo.Services.AddSingleton(new ServedModel(Model, new LoadedModel(engine))));

    /// <summary>A worker with a model of its own, until its standard input ends.</summary>
    public static async Task ServeAsync(int port, int primary, string? modelFolder)
    {
        using var host = await StartAsync(port, primary, silo =>
        {
            if (modelFolder is null) silo.Services.AddSingleton(new ServedModel(Model, new LoadedModel(new InstantEngine())));
            else silo.Services.AddD2PrunerModel(Model, o => (o.ModelPath, o.Device, o.Threads) = (modelFolder, "cpu", 1));
        });
        await Console.In.ReadToEndAsync();
        await host.StopAsync();
    }

    /// <summary>A worker process on one core.</summary>
    public static Process Process(int port, int primary, string engine, int core)
    {
        string[] program = ["dotnet", typeof(ClusterHosts).Assembly.Location, "cluster-worker", engine, Text(port), Text(primary)];
        string[] line = OperatingSystem.IsLinux() ? ["taskset", "-c", Text(core), .. program] : program;
        var start = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardInput = true };
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["DOTNET_PROCESSOR_COUNT"] = "1";
        return System.Diagnostics.Process.Start(start)!;
        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until so many workers serve.</summary>
    public static async Task ServingAsync(IHost asking, int count)
    {
        var view = asking.Services.GetRequiredService<ClusterView>();
        while ((await view.GetAsync()).Serving(Model).Count() != count) await Task.Delay(100);
    }

    private static async Task<IHost> StartAsync(int port, int primary, Action<ISiloBuilder>? worker)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(
                port, port + 1, port == primary ? null : new IPEndPoint(IPAddress.Loopback, primary), "benchmark", "benchmark");
            silo.Services.ConfigureD2PrunerCluster(o => o.LoadInterval = TimeSpan.FromMilliseconds(200));
            silo.Services.AddD2PrunerOrleansChatClient(Model);
            if (worker is null) return;
            worker(silo);
            silo.AddD2PrunerWorker();
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }
}
