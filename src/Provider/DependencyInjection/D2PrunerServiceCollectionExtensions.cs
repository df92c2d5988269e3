using D2Pruner.AI;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>
/// Registers models and chat clients. A model is a singleton that is loaded at first use and disposed by the container; clients borrow it,
/// so several clients share one. Each registration is a client of its own (of several without a key, or with the same one, the container
/// hands out the last, or all of them as <c>IEnumerable</c>), and returns the framework's <see cref="ChatClientBuilder"/>.
/// </summary>
public static class D2PrunerServiceCollectionExtensions
{
    /// <summary>The one-liner: a model and a client for it. Registrations of the same path share one model;
    /// another path is another model.</summary>
    /// <param name="services">The services.</param>
    /// <param name="modelPath">A model folder, or a Hub id in the local Hugging Face cache.</param>
    /// <param name="configure">Client settings.</param>
    public static ChatClientBuilder AddD2PrunerChatClient(
        this IServiceCollection services, string modelPath, Action<D2PrunerChatClientOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(modelPath);
        var model = services.AddD2PrunerModelAt(modelPath, RegisteredModel.Default);
        return AddClient(services, null, keyed: false, o =>
        {
            // The first one keeps to the default model, as a client without a model does.
            if (model != RegisteredModel.Default) o.Configure(c => c.Model = model);
            if (configure is not null) o.Configure(configure);
        });
    }

    /// <summary>Registers a named model, shared by the clients that name it.</summary>
    /// <param name="services">The services.</param>
    /// <param name="name">Its name; each model has one of its own.</param>
    /// <param name="configure">What to load and how.</param>
    /// <exception cref="ArgumentException">The name is blank or taken.</exception>
    public static IServiceCollection AddD2PrunerModel(this IServiceCollection services, string name, Action<VisionModelOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return AddModel(services, name, b => b.Configure(configure));
    }

    /// <summary>Registers a named model from configuration (<c>D2Pruner:Models:{name}</c>).</summary>
    /// <param name="services">The services.</param>
    /// <param name="name">Its name; each model has one of its own.</param>
    /// <param name="section">What to load and how.</param>
    /// <exception cref="ArgumentException">The name is blank or taken.</exception>
    public static IServiceCollection AddD2PrunerModel(this IServiceCollection services, string name, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return AddModel(services, name, b => b.Bind(section));
    }

    /// <summary>Registers the chat client for a registered model.</summary>
    public static ChatClientBuilder AddD2PrunerChatClient(
        this IServiceCollection services, Action<D2PrunerChatClientOptions>? configure = null) =>
        AddClient(services, null, keyed: false, o => { if (configure is not null) o.Configure(configure); });

    /// <summary>Registers the chat client for a registered model from configuration (<c>D2Pruner:Clients:{name}</c>).</summary>
    public static ChatClientBuilder AddD2PrunerChatClient(this IServiceCollection services, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return AddClient(services, null, keyed: false, o => o.Bind(section));
    }

    /// <summary>Registers a keyed chat client: several clients, with settings of their own, over one model. The options of a key
    /// that is a text have its name.</summary>
    public static ChatClientBuilder AddKeyedD2PrunerChatClient(
        this IServiceCollection services, object? serviceKey, Action<D2PrunerChatClientOptions>? configure = null) =>
        AddClient(services, serviceKey, keyed: true, o => { if (configure is not null) o.Configure(configure); });

    /// <summary>Registers a keyed chat client from configuration (<c>D2Pruner:Clients:{name}</c>).</summary>
    public static ChatClientBuilder AddKeyedD2PrunerChatClient(
        this IServiceCollection services, object? serviceKey, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return AddClient(services, serviceKey, keyed: true, o => o.Bind(section));
    }

    /// <summary>Adds a pruning method beside this library's own: its name and parameters can then be used in options, configuration
    /// and requests of every client.</summary>
    /// <param name="services">The services.</param>
    /// <param name="method">The method.</param>
    public static IServiceCollection AddD2PrunerMethod(this IServiceCollection services, PrunerDescription method)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(method);
        return services.AddSingleton(method);
    }

    /// <summary>Loads models and runs a small image through each in the background of the host's start. What fails is tried again while
    /// the host runs, after 10 seconds and then ever more seldom, up to every 5 minutes. Progress goes to a registered
    /// <c>IProgress&lt;ModelLoadProgress&gt;</c>, results to the log.</summary>
    /// <param name="services">The services.</param>
    /// <param name="models">Names of registered models; none means every model registered so far.</param>
    public static IServiceCollection AddD2PrunerWarmup(this IServiceCollection services, params string[] models)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(models);
        string[] names = models.Length > 0 ? [.. models] : [.. RegisteredModel.All(services).Select(m => m.Name)];
        foreach (var name in names) services.AddSingleton(new WarmedModel(name));
        return AddWarmup(services);
    }

    /// <summary>Lets messages name images in allowed folders and on allowed hosts (<c>UriContent</c>); without it only
    /// bytes and data URIs are taken.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">What is allowed.</param>
    public static IServiceCollection AddD2PrunerImageResolver(this IServiceCollection services, Action<ImageResolverOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return AddImageResolver(services, b => b.Configure(configure));
    }

    /// <summary>Lets messages name images in allowed folders and on allowed hosts, from configuration (<c>D2Pruner:Images</c>).</summary>
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
        services.TryAddSingleton<IImageResolver>(
            sp => new AllowListImageResolver(sp.GetRequiredService<IOptions<ImageResolverOptions>>().Value));
        return services;
    }

    /// <summary>Registers a model by its path alone, once however often it is asked for.</summary>
    /// <returns>Its name.</returns>
    internal static string AddD2PrunerModelAt(this IServiceCollection services, string modelPath, string preferredName)
    {
        ArgumentNullException.ThrowIfNull(services);
        var known = RegisteredModel.All(services).ToList();
        if (known.Find(m => m.Path == modelPath) is { } same) return same.Name;
        var name = preferredName;
        for (var n = 2; known.Exists(m => m.Name == name); n++) name = $"{preferredName} #{n}";
        AddModel(services, name, o => o.Configure(m => m.ModelPath = modelPath), modelPath);
        return name;
    }

    private static IServiceCollection AddModel(
        IServiceCollection services, string name, Action<OptionsBuilder<VisionModelOptions>> configure, string? path = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (RegisteredModel.All(services).Any(m => m.Name == name))
        {
            throw new ArgumentException(
                $"A model called '{name}' is registered already, and two of one name cannot be told apart. Give this one another name, " +
                    "and name it in its client's options (Model = \"...\").", nameof(name));
        }

        configure(services.AddOptions<VisionModelOptions>(name).ValidateOnStart());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<VisionModelOptions>, ModelOptionsAnnotations>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ModelHost>());
        AddWarmup(services);
        services.AddSingleton(new RegisteredModel(name, path));
        services.AddKeyedSingleton(name, (sp, _) => new LazyModel(
            sp.GetRequiredService<IOptionsMonitor<VisionModelOptions>>().Get(name), sp.GetService<ILoggerFactory>(),
                sp.GetService<IProgress<ModelLoadProgress>>()));
        return services;
    }

    // With every model, also where none is to be warmed: one that has ended is loaded anew.
    private static IServiceCollection AddWarmup(IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ModelWarmup>(sp => new ModelWarmup(
            sp, sp.GetService<TimeProvider>() ?? TimeProvider.System,
            new QuietLoggerFactory(sp.GetService<ILoggerFactory>()).CreateLogger<ModelWarmup>())));
        return services;
    }

    /// <summary>The validated options of a client that is registered under a key, whatever its engine.</summary>
    /// <returns>Their name.</returns>
    internal static string AddD2PrunerClientOptions(
        this IServiceCollection services, object? key, Action<OptionsBuilder<D2PrunerChatClientOptions>> configure)
    {
        var name = RegisteredClient.Add(services, key);
        configure(services.AddOptions<D2PrunerChatClientOptions>(name).ValidateOnStart());
        services.AddPrunerRegistry();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<D2PrunerChatClientOptions>, ClientOptionsAnnotations>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<D2PrunerChatClientOptions>, ClientOptionsValidator>());
        return name;
    }

    /// <summary>The pruners of the library and those that the application has registered.</summary>
    internal static void AddPrunerRegistry(this IServiceCollection services) =>
        services.TryAddSingleton(sp => PrunerRegistry.BuiltIn.With(sp.GetServices<PrunerDescription>()));

    private static ChatClientBuilder AddClient(
        IServiceCollection services, object? key, bool keyed, Action<OptionsBuilder<D2PrunerChatClientOptions>> configure)
    {
        var name = services.AddD2PrunerClientOptions(key, configure);
        return keyed ? services.AddKeyedChatClient(key, sp => Create(sp, name)) : services.AddChatClient(sp => Create(sp, name));
    }

    private static D2PrunerChatClient Create(IServiceProvider services, string name)
    {
        var options = services.GetRequiredService<IOptionsMonitor<D2PrunerChatClientOptions>>().Get(name);
        var (_, model) = RegisteredModel.Find(services, options.Model, $"The chat client '{name}'");
        return new D2PrunerChatClient(
            model, options, owned: null, services.GetService<IImageResolver>(), services.GetService<ILoggerFactory>(),
            services.GetRequiredService<PrunerRegistry>());
    }
}
