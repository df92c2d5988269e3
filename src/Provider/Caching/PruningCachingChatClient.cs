using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;

namespace D2Pruner.AI;

/// <summary>The framework's cache with the model and the client's settings in its key. What a key cannot tell apart is not cached:
/// factories, and images behind URIs.</summary>
internal sealed class PruningCachingChatClient(IChatClient inner, IDistributedCache storage, D2PrunerChatClient client)
    : DistributedCachingChatClient(inner, storage)
{
    protected override bool EnableCaching(IEnumerable<ChatMessage> messages, ChatOptions? options) =>
        base.EnableCaching(messages, options)
        && options?.RawRepresentationFactory is null
        && messages.SelectMany(ToolMessages.Flatten)
        .All(c => c is not UriContent uri || uri.Uri is { IsAbsoluteUri: true, Scheme: "data" });

    protected override string GetCacheKey(
        IEnumerable<ChatMessage> messages, ChatOptions? options, params ReadOnlySpan<object?> additionalValues) =>
        base.GetCacheKey(messages, options, [.. additionalValues, client.Fingerprint]);
}
