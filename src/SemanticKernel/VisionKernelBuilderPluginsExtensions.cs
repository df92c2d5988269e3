using D2Pruner.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Microsoft.SemanticKernel;

/// <summary>Registers the <see cref="VisionPlugin"/> with a kernel.</summary>
public static class VisionKernelBuilderPluginsExtensions
{
    /// <summary>Adds the plugin, as <c>Vision</c>, over one of the kernel's chat clients.</summary>
    /// <param name="plugins">The kernel's plugins.</param>
    /// <param name="images">The images its functions may see.</param>
    /// <param name="serviceId">Key of the chat client that looks at images, or null for the unkeyed one.</param>
    /// <param name="configure">Prompts and limits.</param>
    /// <returns>The same plugins.</returns>
    public static IKernelBuilderPlugins AddVision(this IKernelBuilderPlugins plugins, VisionImages images, string? serviceId = null,
        Action<VisionToolOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(plugins);
        ArgumentNullException.ThrowIfNull(images);
        var options = new VisionToolOptions();
        configure?.Invoke(options);
        plugins.Services.AddSingleton<KernelPlugin>(services => new VisionPlugin(
            new VisionTools(services.GetRequiredKeyedService<IChatClient>(serviceId), images, options,
                services.GetService<ILoggerFactory>())));
        return plugins;
    }

    /// <summary>Adds the plugin, as <c>Vision</c>, over the registered <see cref="VisionTools"/> (<c>AddD2PrunerVisionTools</c>).</summary>
    /// <param name="plugins">The kernel's plugins.</param>
    /// <returns>The same plugins.</returns>
    public static IKernelBuilderPlugins AddVision(this IKernelBuilderPlugins plugins)
    {
        ArgumentNullException.ThrowIfNull(plugins);
        plugins.Services.AddSingleton<KernelPlugin>(services => new VisionPlugin(services.GetRequiredService<VisionTools>()));
        return plugins;
    }
}
