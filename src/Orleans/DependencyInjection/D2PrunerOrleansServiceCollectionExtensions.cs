using D2Pruner.AI;
using D2Pruner.AI.Orleans;
using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Orleans.Placement;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans;
using Orleans.Hosting;
using Orleans.Serialization;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Chat clients over the workers of an Orleans cluster, in any client or silo of it.</summary>
public static class D2PrunerOrleansServiceCollectionExtensions
{
    /// <summary>
    /// Registers a chat client that is answered by the cluster's workers. The container must be that of an Orleans client
    /// (<c>UseOrleansClient</c>) or silo (<c>UseOrleans</c>).
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="model">Name of the model, as the workers have registered it; it is also the client's model id.</param>
    /// <param name="configure">Client settings; <see cref="D2PrunerChatClientOptions.Model"/> is not read.</param>
    public static ChatClientBuilder AddD2PrunerOrleansChatClient(
        this IServiceCollection services, string model, Action<D2PrunerChatClientOptions>? configure = null) =>
        Add(services, model, null, keyed: false, o => { if (configure is not null) o.Configure(configure); });

    /// <summary>Registers a chat client that is answered by the cluster's workers, with settings from configuration
    /// (<c>D2Pruner:Clients:{name}</c>).</summary>
    /// <param name="services">The services.</param>
    /// <param name="model">Name of the model, as the workers have registered it.</param>
    /// <param name="section">The settings.</param>
    public static ChatClientBuilder AddD2PrunerOrleansChatClient(
        this IServiceCollection services, string model, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return Add(services, model, null, keyed: false, o => o.Bind(section));
    }

    /// <summary>Registers a keyed chat client that is answered by the cluster's workers.</summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">The client's key.</param>
    /// <param name="model">Name of the model, as the workers have registered it.</param>
    /// <param name="configure">Client settings.</param>
    public static ChatClientBuilder AddKeyedD2PrunerOrleansChatClient(
        this IServiceCollection services, object? serviceKey, string model, Action<D2PrunerChatClientOptions>? configure = null) =>
        Add(services, model, serviceKey, keyed: true, o => { if (configure is not null) o.Configure(configure); });

    /// <summary>Settings of how requests find their worker; the same in every silo and client of a cluster.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">The settings.</param>
    public static IServiceCollection ConfigureD2PrunerCluster(this IServiceCollection services, Action<D2PrunerClusterOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddD2PrunerCluster().Configure(configure);
        return services;
    }

    /// <summary>Settings of how requests find their worker, from configuration (<c>D2Pruner:Cluster</c>).</summary>
    /// <param name="services">The services.</param>
    /// <param name="section">The settings.</param>
    public static IServiceCollection ConfigureD2PrunerCluster(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);
        services.AddD2PrunerCluster().Bind(section);
        return services;
    }

    /// <summary>What callers and workers share; every silo that a caller may connect to needs it, to place grains.</summary>
    internal static OptionsBuilder<D2PrunerClusterOptions> AddD2PrunerCluster(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ClusterView>();
        services.AddPrunerRegistry();
        if (services.All(d => d.ServiceType != typeof(ClusterMark)))
        {
            services.AddSingleton<ClusterMark>();
            services.AddPlacementDirector<WorkerPlacement, WorkerPlacementDirector>();
            // Applications without Orleans' own generator do not list their parts.
            services.AddSerializer(s => s.AddAssembly(typeof(ClusterMark).Assembly));
        }

        return services.AddOptions<D2PrunerClusterOptions>().ValidateDataAnnotations().ValidateOnStart();
    }

    private static ChatClientBuilder Add(
        IServiceCollection services, string model, object? key, bool keyed, Action<OptionsBuilder<D2PrunerChatClientOptions>> configure)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        services.AddD2PrunerCluster();
        var name = services.AddD2PrunerClientOptions(key, configure);
        return keyed ? services.AddKeyedChatClient(key, sp => Create(sp, model, name))
            : services.AddChatClient(sp => Create(sp, model, name));
    }

    private static OrleansChatClient Create(IServiceProvider services, string model, string name) => new(
        new ClusterModel(
            model, fingerprint: null, services.GetRequiredService<IGrainFactory>(), services.GetRequiredService<ClusterView>(),
            services.GetRequiredService<IOptions<D2PrunerClusterOptions>>(), services.GetRequiredService<TimeProvider>()),
        services.GetRequiredService<IOptionsMonitor<D2PrunerChatClientOptions>>().Get(name), services.GetService<IImageResolver>(),
        services.GetService<ILoggerFactory>(), services.GetRequiredService<PrunerRegistry>());

    private sealed class ClusterMark;
}
