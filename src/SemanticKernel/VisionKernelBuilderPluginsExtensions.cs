using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.SemanticKernel;

/// <summary>Registers the <see cref="VisionPlugin"/> with a kernel.</summary>
public static class VisionKernelBuilderPluginsExtensions
{
    /// <summary>Adds the plugin, as <c>Vision</c>, over one of the kernel's chat clients.</summary>
    /// <param name="plugins">The kernel's plugins.</param>
    /// <param name="images">The pictures its functions may see.</param>
    /// <param name="serviceId">Key of the chat client that looks at pictures, or null for the unkeyed one.</param>
    /// <param name="configure">Prompts and limits.</param>
    /// <returns>The same plugins.</returns>
    public static IKernelBuilderPlugins AddVision(this IKernelBuilderPlugins plugins, VisionImages images, string? serviceId = null, Action<VisionPluginOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(plugins);
        ArgumentNullException.ThrowIfNull(images);
        var options = new VisionPluginOptions();
        configure?.Invoke(options);
        plugins.Services.AddSingleton(services =>
            KernelPluginFactory.CreateFromObject(new VisionPlugin(services.GetRequiredKeyedService<IChatClient>(serviceId), images, options), "Vision"));
        return plugins;
    }
}
