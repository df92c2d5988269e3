using D2Pruner.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.AI;

/// <summary>Middleware for pipelines that end in a D2Pruner client.</summary>
public static class D2PrunerChatClientBuilderExtensions
{
    /// <summary>
    /// Caches answers like <c>UseDistributedCache</c>, with the model and the client's pruning settings in the key: two presets over one
    /// cache never share an answer. Requests with a <c>RawRepresentationFactory</c> or with images behind URIs are not cached, nor are
    /// those to a cluster before its first answer has told the model's version.
    /// </summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="storage">The cache; null takes the registered one.</param>
    /// <exception cref="InvalidOperationException">Thrown when the pipeline is built: it does not end in a
    /// <see cref="D2PrunerChatClient"/>, or no cache is registered.</exception>
    public static ChatClientBuilder UseD2PrunerDistributedCache(this ChatClientBuilder builder, IDistributedCache? storage = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) => new PruningCachingChatClient(
            inner,
            storage ?? services.GetRequiredService<IDistributedCache>(),
            inner.GetService<D2PrunerChatClient>()
            ?? throw new InvalidOperationException(
                "UseD2PrunerDistributedCache needs a D2PrunerChatClient further in; use UseDistributedCache for other clients.")));
    }
}
