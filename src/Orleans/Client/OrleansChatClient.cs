using System.Runtime.CompilerServices;
using System.Text.Json;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI.Orleans.Client;

/// <summary>
/// A chat client whose engine is a cluster. Everything but the engine's work happens here, by the same code as in a process of its own:
/// options, images, presets, boxes, reports. Answers carry the version of the model that gave them, and a history that does is
/// answered by the same version.
/// </summary>
internal sealed class OrleansChatClient(
    ClusterModel model, D2PrunerChatClientOptions options, IImageResolver? images, ILoggerFactory? loggers, PrunerRegistry pruners)
    : IChatClient
{
    private readonly D2PrunerChatClient _client = new(model, options, owned: null, images, loggers, pruners);
    private bool _disposed;

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var (client, history, chosen) = Open(messages);
        var response = await client.GetResponseAsync(history, options, cancellationToken).ConfigureAwait(false);
        if (chosen.Engine is { } engine) (response.Messages[^1].AdditionalProperties ??= [])[ClusterKeys.Fingerprint] = engine.Fingerprint;
        return response;
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var (client, history, chosen) = Open(messages);
        return Mark(client.GetStreamingResponseAsync(history, options, cancellationToken), chosen, cancellationToken);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this)
        && serviceType != typeof(object) && serviceType != typeof(IChatClient) && serviceType != typeof(IDisposable)
        ? this : _client.GetService(serviceType, serviceKey);

    public void Dispose()
    {
        _disposed = true;
        _client.Dispose();
    }

    private (D2PrunerChatClient Client, List<ChatMessage> History, ClusterModel Model) Open(IEnumerable<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(_disposed, this);
        List<ChatMessage> history = [.. messages];
        // A view of its own for each request: which version answers it is known only then.
        var chosen = model.BegunBy(BegunBy(history));
        return (new D2PrunerChatClient(chosen, options, owned: null, images, loggers, pruners), history, chosen);
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Mark(
        IAsyncEnumerable<ChatResponseUpdate> updates, ClusterModel chosen, CancellationToken caller,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(caller, cancellationToken);
        await foreach (var update in updates.WithCancellation(both.Token).ConfigureAwait(false))
        {
            if (update.FinishReason is not null && chosen.Engine is { } engine)
                (update.AdditionalProperties ??= [])[ClusterKeys.Fingerprint] = engine.Fingerprint;
            yield return update;
        }
    }

    private static string? BegunBy(List<ChatMessage> history) => history.Where(m => m?.Role == ChatRole.Assistant)
        .Select(m => m.AdditionalProperties?.GetValueOrDefault(ClusterKeys.Fingerprint) switch
        {
            string text => text,
            JsonElement { ValueKind: JsonValueKind.String } json => json.GetString(),
            _ => null,
        }).LastOrDefault(f => f is not null);
}
