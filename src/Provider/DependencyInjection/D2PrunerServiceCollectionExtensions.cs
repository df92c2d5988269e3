using D2Pruner.AI;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>
/// Registers models and chat clients. A model is a singleton that is loaded at first use and disposed by the container; clients borrow it, so several
/// clients share one. Each registration returns the framework's <see cref="ChatClientBuilder"/>.
/// </summary>
public static class D2PrunerServiceCollectionExtensions
{
    /// <summary>The one-liner: a model and a client for it.</summary>
    /// <param name="services">The services.</param>
    /// <param name="modelPath">A model folder, or a Hub id in the local Hugging Face cache.</param>
    /// <param name="configure">Client settings.</param>
    public static ChatClientBuilder AddD2PrunerChatClient(this IServiceCollection services, string modelPath, Action<D2PrunerChatClientOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(modelPath);
        return services.AddD2PrunerModel(RegisteredModel.Default, o => o.ModelPath = modelPath).AddD2PrunerChatClient(configure);
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

    /// <summary>Registers the chat client for a registered model from configuration (<c>D2Pruner:Clients:{name}</c>).</summary>
    public static ChatClientBuilder AddD2PrunerChatClient(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        AddClientOptions(services, Options.Options.DefaultName, b => b.Bind(section));
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

    /// <summary>Loads models and runs a small picture through each in the background of the host's start. Progress goes to a registered <c>IProgress&lt;ModelLoadProgress&gt;</c>, results to the log.</summary>
    /// <param name="services">The services.</param>
    /// <param name="models">Names of registered models; none means every model registered so far.</param>
    public static IServiceCollection AddD2PrunerWarmup(this IServiceCollection services, params string[] models)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(models);
        string[] names = models.Length > 0 ? [.. models] : [.. services.Select(d => d.ServiceType == typeof(RegisteredModel) ? d.ImplementationInstance : null).OfType<RegisteredModel>().Select(m => m.Name)];
        return services.AddSingleton<IHostedService>(sp => new ModelWarmup(sp, names, (sp.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger<ModelWarmup>()));
    }

    /// <summary>Lets messages name pictures in allowed folders and on allowed hosts (<c>UriContent</c>); without it only bytes and data URIs are taken.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">What is allowed.</param>
    public static IServiceCollection AddD2PrunerImageResolver(this IServiceCollection services, Action<ImageResolverOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return AddImageResolver(services, b => b.Configure(configure));
    }

    /// <summary>Lets messages name pictures in allowed folders and on allowed hosts, from configuration (<c>D2Pruner:Images</c>).</summary>
    /// <param name="services">The services.</param>
    /// <param name="section">What is allowed.</param>
    public static IServiceCollection AddD2PrunerImageResolver(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return AddImageResolver(services, b => b.Bind(section));
    }

    private static IServiceCollection AddImageResolver(IServiceCollection services, Action<OptionsBuilder<ImageResolverOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        configure(services.AddOptionsWithValidateOnStart<ImageResolverOptions, ImageResolverOptionsValidator>());
        services.TryAddSingleton<IImageResolver>(sp => new AllowListImageResolver(sp.GetRequiredService<IOptions<ImageResolverOptions>>().Value));
        return services;
    }

    private static string OptionsName(object? key) => key?.ToString() ?? Options.Options.DefaultName;

    private static IServiceCollection AddModel(IServiceCollection services, string name, Action<OptionsBuilder<VisionModelOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        configure(services.AddOptions<VisionModelOptions>(name).ValidateOnStart());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<VisionModelOptions>, ModelOptionsAnnotations>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ModelHost>());
        if (!services.Any(d => d.ImplementationInstance is RegisteredModel known && known.Name == name)) services.AddSingleton(new RegisteredModel(name));
        services.TryAddKeyedSingleton(name, (sp, _) => new LazyModel(
            sp.GetRequiredService<IOptionsMonitor<VisionModelOptions>>().Get(name), sp.GetService<ILoggerFactory>(), sp.GetService<IProgress<ModelLoadProgress>>()));
        return services;
    }

    private static void AddClientOptions(IServiceCollection services, string name, Action<OptionsBuilder<D2PrunerChatClientOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        configure(services.AddOptions<D2PrunerChatClientOptions>(name).ValidateOnStart());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<D2PrunerChatClientOptions>, ClientOptionsAnnotations>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<D2PrunerChatClientOptions>, ClientOptionsValidator>());
    }

    private static D2PrunerChatClient Create(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<D2PrunerChatClientOptions>>().Get(name);
        var (_, model) = RegisteredModel.Find(services, options.Model, $"The chat client '{name}'");
        return new D2PrunerChatClient(model, options, owned: null, services.GetService<IImageResolver>(), services.GetService<ILoggerFactory>());
    }
}
