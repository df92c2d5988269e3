using System.Runtime.CompilerServices;
using System.Text.Json;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI.Orleans.Client;

/// <summary>
/// A chat client whose engine is a cluster. Everything but the engine's work happens here, by the same code as in a process of its own:
/// options, images, presets, boxes, reports. Answers carry the model that gave them and its version, and a history that does is
/// answered by the same version of this model.
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
        if (chosen.Engine is { } engine) Sign(response.Messages[^1].AdditionalProperties ??= [], engine);
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

    private async IAsyncEnumerable<ChatResponseUpdate> Mark(
        IAsyncEnumerable<ChatResponseUpdate> updates, ClusterModel chosen, CancellationToken caller,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(caller, cancellationToken);
        await foreach (var update in updates.WithCancellation(both.Token).ConfigureAwait(false))
        {
            if (update.FinishReason is not null && chosen.Engine is { } engine) Sign(update.AdditionalProperties ??= [], engine);
            yield return update;
        }
    }

    private void Sign(AdditionalPropertiesDictionary properties, ClusterEngine engine) =>
        (properties[ClusterKeys.Fingerprint], properties[ClusterKeys.Model]) = (engine.Fingerprint, model.ModelId);

    // Another model's version says nothing about this one. An answer without a name is taken for this model's.
    private string? BegunBy(List<ChatMessage> history) => history.OfType<ChatMessage>()
        .Where(m => m.Role == ChatRole.Assistant && (Text(m, ClusterKeys.Model) ?? model.ModelId) == model.ModelId)
        .Select(m => Text(m, ClusterKeys.Fingerprint)).LastOrDefault(f => f is not null);

    private static string? Text(ChatMessage message, string key) => message.AdditionalProperties?.GetValueOrDefault(key) switch
    {
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString(),
        _ => null,
    };
}
