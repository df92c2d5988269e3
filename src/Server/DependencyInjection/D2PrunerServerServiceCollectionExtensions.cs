using System.Diagnostics.Metrics;
using D2Pruner.AI;
using D2Pruner.AI.Server;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the OpenAI-compatible server over the container's chat clients.</summary>
public static class D2PrunerServerServiceCollectionExtensions
{
    private const string ModelsSection = "D2Pruner:Models";
    private const string ClientsSection = "D2Pruner:Clients";

    /// <summary>
    /// Adds the server: every <c>IChatClient</c> of the container is offered, keyed ones by their key, the one without a key by its model's
    /// id; not that of <c>AddD2PrunerVisionTools(path)</c>. Map its endpoints with <c>app.MapD2PrunerServer()</c>.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Settings; null takes the defaults.</param>
    public static IServiceCollection AddD2PrunerServer(this IServiceCollection services, Action<D2PrunerServerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<D2PrunerServerOptions>().ValidateOnStart();
        if (configure is not null) options.Configure(configure);
        return Add(services);
    }

    /// <summary>Adds the server with settings from configuration (<c>D2Pruner:Server</c>).</summary>
    /// <param name="services">The services.</param>
    /// <param name="section">The settings.</param>
    public static IServiceCollection AddD2PrunerServer(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);
        services.AddOptions<D2PrunerServerOptions>().Bind(section).ValidateOnStart();
        return Add(services);
    }

    /// <summary>
    /// Registers every model of the section <c>D2Pruner:Models</c> and a chat client of the same key
    /// for each, with the client's settings in
    /// <c>D2Pruner:Clients:{name}</c>.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configuration">The application's configuration.</param>
    /// <returns>The names, in their order.</returns>
    public static IReadOnlyList<string> AddD2PrunerModels(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        List<string> names = [];
        foreach (var model in configuration.GetSection(ModelsSection).GetChildren())
        {
            services.AddD2PrunerModel(model.Key, model);
            services.AddD2PrunerServedClient(configuration, model.Key);
            names.Add(model.Key);
        }

        return names;
    }

    /// <summary>Registers the chat client that a server offers of a registered model, under the model's name and with the settings in
    /// <c>D2Pruner:Clients:{name}</c>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configuration">The application's configuration.</param>
    /// <param name="name">The model's name.</param>
    /// <param name="configure">Settings that win over the configuration's.</param>
    internal static void AddD2PrunerServedClient(
        this IServiceCollection services, IConfiguration configuration, string name, Action<D2PrunerChatClientOptions>? configure = null)
    {
        var section = configuration.GetSection(ClientsSection).GetSection(name);
        services.AddKeyedD2PrunerChatClient(name, o =>
        {
            // A server's callers send tools whatever the family, and look for boxes in every answer; a client's own settings win.
            (o.ToolConvention, o.ParseGroundings) = (ToolConvention.Json, true);
            section.Bind(o);
            o.Model ??= name;
            configure?.Invoke(o);
        });
    }

    private static IServiceCollection Add(IServiceCollection services)
    {
        if (services.Any(d => d.ServiceType == typeof(ServedModels))) return services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<D2PrunerServerOptions>, ServerOptionsAnnotations>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<D2PrunerServerOptions>, ServerOptionsValidator>());
        services.AddPrunerRegistry();
        services.AddSingleton(sp => new ServedModels(sp, services));
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<AccessPolicy>();
        services.AddSingleton<KeyLimits>();
        services.AddSingleton<CrossOrigin>();
        services.AddSingleton<Doors>();
        services.AddSingleton<Readiness>();
        services.AddSingleton<HealthEndpoints>();
        services.AddSingleton<ModelsEndpoint>();
        services.AddSingleton<AnswerEndpoint>();
        services.AddSingleton<ServerMetrics>();
        services.AddSingleton<ServerWork>();
        services.AddHostedService(sp => sp.GetRequiredService<ServerWork>());
        services.AddHostedService<AddressGuard>();
        services.AddCors();
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(ServerMetrics.MeterName, MetricViews.EngineMeter)
            .AddPrometheusExporter(o =>
            {
                // Gateways ask several times a second and route by what they read.
                o.ScrapeResponseCacheDurationMilliseconds = 0;
            }));
        services.ConfigureOpenTelemetryMeterProvider((provider, metrics) =>
        {
            var own = provider.GetRequiredService<IMeterFactory>();
            metrics.AddView(instrument => MetricViews.Of(instrument, own));
        });
        // The host must not give up before the last answers' time is over.
        services.AddOptions<HostOptions>().PostConfigure<IOptions<D2PrunerServerOptions>>((host, server) =>
        {
            var needed = TimeSpan.FromSeconds(server.Value.DrainSeconds + 15);
            if (host.ShutdownTimeout < needed) host.ShutdownTimeout = needed;
        });
        return services;
    }
}
