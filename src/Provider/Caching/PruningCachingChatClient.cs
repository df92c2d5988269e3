using System.Security.Cryptography;
using System.Text;
using D2Pruner.AI.Runtime.Checkpoints;
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
        base.GetCacheKey(messages, options, additionalValues) + Suffix(client.Fingerprint);

    protected override Task WriteCacheAsync(string key, ChatResponse value, CancellationToken cancellationToken) =>
        IsOfPresent(key) ? base.WriteCacheAsync(key, value, cancellationToken) : Task.CompletedTask;

    protected override Task WriteCacheStreamingAsync(
        string key, IReadOnlyList<ChatResponseUpdate> value, CancellationToken cancellationToken) =>
        IsOfPresent(key) ? base.WriteCacheStreamingAsync(key, value, cancellationToken) : Task.CompletedTask;

    private static string Suffix(string? fingerprint) =>
        "-" + Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(fingerprint ?? "")));

    // A model that was loaded anew meanwhile gave an answer that is not of the key's version.
    private bool IsOfPresent(string key)
    {
        try
        {
            return client.Fingerprint is { } present && key.EndsWith(Suffix(present), StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CheckpointException)
        {
            // The answer is there all the same; the next request hears what cannot be read.
            return false;
        }
    }
}
