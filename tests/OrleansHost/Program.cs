using System.Globalization;
using System.Net;
using D2Pruner.AI;
using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Orleans.Workers;
using D2Pruner.AI.Tests.Orleans;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Hosting;

// OrleansHost --clustering redis|postgres --connection ... --cluster ID --port N [--address 127.0.0.1] [--version a] [--prefill ms]
//   [--step ms]
// Prints "ready ADDRESS" when the cluster knows of the worker; ends with SIGTERM as an application does.
var builder = Host.CreateApplicationBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
string Setting(string name, string otherwise = "") => builder.Configuration[name] ?? otherwise;
int Number(string name) => int.Parse(Setting(name, "0"), CultureInfo.InvariantCulture);

builder.UseOrleans(silo =>
{
    switch (Setting("clustering"))
    {
        case "redis":
            silo.UseRedisClustering(Setting("connection"));
            break;
        default:
            silo.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = ("Npgsql", Setting("connection")));
            break;
    }

    silo.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (Setting("cluster"), "d2pruner"));
    silo.ConfigureEndpoints(IPAddress.Parse(Setting("address", "127.0.0.1")), Number("port"), Number("port") + 1);
    silo.Configure<ClusterMembershipOptions>(o =>
    {
        o.ProbeTimeout = TimeSpan.FromSeconds(1);
        o.NumMissedProbesLimit = 2;
        o.TableRefreshTimeout = TimeSpan.FromSeconds(5);
    });
    silo.Services.ConfigureD2PrunerCluster(o => o.LoadInterval = TimeSpan.FromMilliseconds(100));
    silo.Services.AddSingleton(new ServedModel("vision", new LoadedModel(new EchoEngine(Setting("version", "a"))
    {
        Prefill = TimeSpan.FromMilliseconds(Number("prefill")), Step = TimeSpan.FromMilliseconds(Number("step")),
    })));
    silo.AddD2PrunerWorker();
});

using var host = builder.Build();
await host.StartAsync();
var (worker, view) = (host.Services.GetRequiredService<Worker>(), host.Services.GetRequiredService<ClusterView>());
while (view.Latest.Reports.All(r => !r.Silo.Equals(worker.Report().Silo) || r.Models.Length == 0)) await Task.Delay(20);
Console.WriteLine($"ready {worker.Report().Silo.ToParsableString()}");
await host.WaitForShutdownAsync();
