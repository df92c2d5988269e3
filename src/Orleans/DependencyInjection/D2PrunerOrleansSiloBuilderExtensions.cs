using D2Pruner.AI.Orleans;
using D2Pruner.AI.Orleans.Workers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Orleans.Hosting;

/// <summary>Makes a silo a worker.</summary>
public static class D2PrunerOrleansSiloBuilderExtensions
{
    /// <summary>
    /// Serves the silo's registered models (<c>AddD2PrunerModel</c>) to the cluster: they are loaded beside the silo's start, and answer
    /// the chat clients of <c>AddD2PrunerOrleansChatClient</c>. When the host stops, it takes nothing new and finishes what runs.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="configure">Settings; null takes the defaults.</param>
    public static ISiloBuilder AddD2PrunerWorker(this ISiloBuilder silo, Action<D2PrunerWorkerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(silo);
        return Add(silo, o => { if (configure is not null) o.Configure(configure); });
    }

    /// <summary>Serves the silo's registered models to the cluster, with settings from configuration (<c>D2Pruner:Worker</c>).</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="section">The settings.</param>
    public static ISiloBuilder AddD2PrunerWorker(this ISiloBuilder silo, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(silo);
        ArgumentNullException.ThrowIfNull(section);
        return Add(silo, o => o.Bind(section));
    }

    private static ISiloBuilder Add(ISiloBuilder silo, Action<OptionsBuilder<D2PrunerWorkerOptions>> configure)
    {
        silo.Services.AddD2PrunerCluster();
        configure(silo.Services.AddOptions<D2PrunerWorkerOptions>().ValidateDataAnnotations().ValidateOnStart());
        silo.Services.TryAddSingleton<ImageStore>();
        silo.Services.TryAddSingleton<Worker>();
        silo.Services.TryAddSingleton<OpenAnswers>();
        silo.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, WorkerService>());
        return silo;
    }
}
