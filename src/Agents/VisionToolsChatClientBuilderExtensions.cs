using D2Pruner.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.AI;

/// <summary>Gives chat clients eyes.</summary>
public static class VisionToolsChatClientBuilderExtensions
{
    /// <summary>
    /// Lets a chat model that cannot see look at images: those in the conversation get ids such as
    /// <c>attachment-1a2b3c4d5e6f7a8b</c>, made from their bytes, and the vision tools are offered with every request and called.
    /// Function invocation is added where the inner client has none.
    /// </summary>
    /// <param name="builder">The brain's builder.</param>
    /// <param name="tools">The tools; null takes the registered ones (<c>AddD2PrunerVisionTools</c>).</param>
    /// <param name="configure">Settings of the function invocation that is added, e.g. <c>AllowConcurrentInvocation</c>.</param>
    /// <returns>The same builder.</returns>
    public static ChatClientBuilder UseD2PrunerVisionTools(this ChatClientBuilder builder, VisionTools? tools = null,
        Action<FunctionInvokingChatClient>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var calling = inner.GetService<FunctionInvokingChatClient>() is null ? inner.AsBuilder()
                .UseFunctionInvocation(configure: configure).Build(services) : inner;
            return new VisionToolsChatClient(calling, tools ?? services.GetRequiredService<VisionTools>());
        });
    }
}
