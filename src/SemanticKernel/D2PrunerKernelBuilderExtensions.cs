using D2Pruner.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.SemanticKernel.ChatCompletion;

namespace Microsoft.SemanticKernel;

/// <summary>Registers local vision-language models as chat services of a kernel.</summary>
public static class D2PrunerKernelBuilderExtensions
{
    /// <summary>
    /// Registers a chat client over a local vision-language model, with logging (where the kernel has a logger factory) and kernel
    /// function invocation. The model is loaded at first use; registrations of the same path share one.
    /// </summary>
    /// <param name="builder">The kernel's builder.</param>
    /// <param name="modelPath">A model folder, or a Hub id in the local Hugging Face cache.</param>
    /// <param name="configure">Client settings.</param>
    /// <param name="serviceId">Key of the <see cref="IChatClient"/> (a prompt names it by its settings' <c>ServiceId</c>), or null for the
    /// kernel's default.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="modelPath"/> is empty.</exception>
    public static IKernelBuilder AddD2PrunerChatClient(this IKernelBuilder builder, string modelPath,
        Action<D2PrunerChatClientOptions>? configure = null, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(modelPath);

        // Two services of one path do not hold its weights twice.
        var model = builder.Services.AddD2PrunerModelAt(modelPath, preferredName: modelPath);
        builder.Services
            .AddKeyedD2PrunerChatClient(serviceId, o =>
            {
                o.Model = model;
                configure?.Invoke(o);
            })
            .UseKernelFunctionInvocation()
            .Use((client, services) => services.GetService<ILoggerFactory>() is { } loggers ? client.AsBuilder().UseLogging(loggers)
                .Build(services) : client);
        return builder;
    }

    /// <summary>
    /// The same as <see cref="AddD2PrunerChatClient"/>, and an <see cref="IChatCompletionService"/> over the client under the same key,
    /// for code that asks the kernel for one.
    /// </summary>
    /// <param name="builder">The kernel's builder.</param>
    /// <param name="modelPath">A model folder, or a Hub id in the local Hugging Face cache.</param>
    /// <param name="configure">Client settings.</param>
    /// <param name="serviceId">Key of both services, or null for the kernel's default.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="modelPath"/> is empty.</exception>
    public static IKernelBuilder AddD2PrunerChatCompletion(
        this IKernelBuilder builder, string modelPath, Action<D2PrunerChatClientOptions>? configure = null, string? serviceId = null)
    {
        builder.AddD2PrunerChatClient(modelPath, configure, serviceId);
        builder.Services.AddKeyedSingleton(serviceId, (services, _) => services.GetRequiredKeyedService<IChatClient>(serviceId)
            .AsChatCompletionService(services));
        return builder;
    }
}
