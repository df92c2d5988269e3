using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;

namespace D2Pruner.AI;

/// <summary>The framework's cache with the model and the client's settings in its key. What a key cannot tell apart is not cached:
/// factories, images behind URIs, and answers of a version that is not known yet.</summary>
internal sealed class PruningCachingChatClient(IChatClient inner, IDistributedCache storage, D2PrunerChatClient client)
    : DistributedCachingChatClient(inner, storage)
{
    protected override bool EnableCaching(IEnumerable<ChatMessage> messages, ChatOptions? options) =>
        base.EnableCaching(messages, options)
        && options?.RawRepresentationFactory is null
        && messages.SelectMany(ToolMessages.Flatten)
        .All(c => c is not UriContent uri || uri.Uri is { IsAbsoluteUri: true, Scheme: "data" })
        && client.Fingerprint is not null;

    protected override string GetCacheKey(
        IEnumerable<ChatMessage> messages, ChatOptions? options, params ReadOnlySpan<object?> additionalValues) =>
        base.GetCacheKey(messages, options, [.. additionalValues, client.Fingerprint]);
}
