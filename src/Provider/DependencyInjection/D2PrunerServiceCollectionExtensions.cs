using D2Pruner.AI;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>
/// Registers models and chat clients. A model is a singleton that is loaded at first use and disposed by the container; clients borrow it, so several
/// clients share one. Each registration returns the framework's <see cref="ChatClientBuilder"/>.
/// </summary>
public static class D2PrunerServiceCollectionExtensions
{
    /// <summary>Name of the model that clients take when they name none.</summary>
    private const string DefaultModel = "default";

    /// <summary>The one-liner: a model and a client for it.</summary>
    /// <param name="services">The services.</param>
    /// <param name="modelPath">A model folder, or a Hub id in the local Hugging Face cache.</param>
    /// <param name="configure">Client settings.</param>
    public static ChatClientBuilder AddD2PrunerChatClient(this IServiceCollection services, string modelPath, Action<D2PrunerChatClientOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(modelPath);
        return services.AddD2PrunerModel(DefaultModel, o => o.ModelPath = modelPath).AddD2PrunerChatClient(configure);
    }

    /// <summary>Registers a named model, shared by the clients that name it.</summary>
    public static IServiceCollection AddD2PrunerModel(this IServiceCollection services, string name, Action<VisionModelOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return AddModel(services, name, b => b.Configure(configure));
    }

    /// <summary>Registers a named model from configuration (<c>D2Pruner:Models:{name}</c>).</summary>
    public static IServiceCollection AddD2PrunerModel(this IServiceCollection services, string name, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return AddModel(services, name, b => b.Bind(section));
    }

    /// <summary>Registers the chat client for a registered model.</summary>
    public static ChatClientBuilder AddD2PrunerChatClient(this IServiceCollection services, Action<D2PrunerChatClientOptions>? configure = null)
    {
        AddClientOptions(services, Options.Options.DefaultName, b => { if (configure is not null) b.Configure(configure); });
        return services.AddChatClient(sp => Create(sp, Options.Options.DefaultName));
    }

    /// <summary>Registers a keyed chat client: several clients, with settings of their own, over one model.</summary>
    public static ChatClientBuilder AddKeyedD2PrunerChatClient(this IServiceCollection services, object? serviceKey, Action<D2PrunerChatClientOptions>? configure = null)
    {
        var name = OptionsName(serviceKey);
        AddClientOptions(services, name, b => { if (configure is not null) b.Configure(configure); });
        return services.AddKeyedChatClient(serviceKey, sp => Create(sp, name));
    }

    /// <summary>Registers a keyed chat client from configuration (<c>D2Pruner:Clients:{name}</c>).</summary>
    public static ChatClientBuilder AddKeyedD2PrunerChatClient(this IServiceCollection services, object? serviceKey, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        var name = OptionsName(serviceKey);
        AddClientOptions(services, name, b => b.Bind(section));
        return services.AddKeyedChatClient(serviceKey, sp => Create(sp, name));
    }

    private static string OptionsName(object? key) => key?.ToString() ?? Options.Options.DefaultName;

    private static IServiceCollection AddModel(IServiceCollection services, string name, Action<OptionsBuilder<VisionModelOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        var builder = services.AddOptions<VisionModelOptions>(name);
        configure(builder);
        builder.Validate(o => !string.IsNullOrWhiteSpace(o.ModelPath), $"Model '{name}': ModelPath is empty; give a model folder or a Hub id.").ValidateOnStart();
        services.TryAddKeyedSingleton(name, (sp, _) => new LazyModel(sp.GetRequiredService<IOptionsMonitor<VisionModelOptions>>().Get(name), sp.GetService<ILoggerFactory>()));
        return services;
    }

    private static void AddClientOptions(IServiceCollection services, string name, Action<OptionsBuilder<D2PrunerChatClientOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        var builder = services.AddOptions<D2PrunerChatClientOptions>(name);
        configure(builder);
        builder.ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<D2PrunerChatClientOptions>, ClientOptionsValidator>());
    }

    private static D2PrunerChatClient Create(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<D2PrunerChatClientOptions>>().Get(name);
        var model = options.Model ?? DefaultModel;
        var source = services.GetKeyedService<LazyModel>(model)
            ?? throw new InvalidOperationException($"The chat client '{name}' asks for the model '{model}', which is not registered; add it with AddD2PrunerModel(\"{model}\", ...).");
        return new D2PrunerChatClient(source, options, owned: null, services.GetService<IImageResolver>(), services.GetService<ILoggerFactory>());
    }
}
