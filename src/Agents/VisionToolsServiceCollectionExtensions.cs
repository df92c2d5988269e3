using D2Pruner.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers vision tools for agents.</summary>
public static class VisionToolsServiceCollectionExtensions
{
    /// <summary>The one-liner: a local vision-language model, a chat client for it under a key of its own, and <see cref="VisionTools"/>
    /// over it. Registrations of the same path share one model, chat clients' too.</summary>
    /// <param name="services">The services.</param>
    /// <param name="modelPath">A model folder, or a Hub id in the local Hugging Face cache.</param>
    /// <param name="configure">What may be looked at, prompts and limits.</param>
    public static IServiceCollection AddD2PrunerVisionTools(this IServiceCollection services, string modelPath,
        Action<VisionToolOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(modelPath);
        // A chat client of the same path does not hold its weights twice.
        var model = services.AddD2PrunerModelAt(modelPath, preferredName: modelPath);
        services.AddKeyedD2PrunerChatClient(ClientKeys.VisionTools, o => o.Model = model);
        return services.AddD2PrunerVisionTools(configure, ClientKeys.VisionTools);
    }

    /// <summary><see cref="VisionTools"/> and their <see cref="VisionImages"/> as singletons, over a registered chat client.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">What may be looked at, prompts and limits.</param>
    /// <param name="clientKey">Key of the chat client that looks at images, or null for the unkeyed one.</param>
    public static IServiceCollection AddD2PrunerVisionTools(this IServiceCollection services, Action<VisionToolOptions>? configure = null,
        object? clientKey = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<VisionToolOptions>();
        if (configure is not null) options.Configure(configure);
        services.TryAddSingleton(sp => new VisionImages([.. sp.GetRequiredService<IOptions<VisionToolOptions>>().Value.AllowedFolders]));
        services.AddSingleton(sp => new VisionTools(
            sp.GetRequiredKeyedService<IChatClient>(clientKey), sp.GetRequiredService<VisionImages>(),
                sp.GetRequiredService<IOptions<VisionToolOptions>>().Value, sp.GetService<ILoggerFactory>()));
        return services;
    }
}
