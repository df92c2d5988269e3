using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>
/// Gives a chat client eyes: each image in the conversation becomes an id in its place, and the vision tools, which know those ids, are
/// offered with every request. The inner client calls functions.
/// </summary>
internal sealed class VisionToolsChatClient(IChatClient inner, VisionTools tools) : DelegatingChatClient(inner)
{
    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var (named, offered) = Prepare(messages, options);
        return base.GetResponseAsync(named, offered, cancellationToken);
    }

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var (named, offered) = Prepare(messages, options);
        return base.GetStreamingResponseAsync(named, offered, cancellationToken);
    }

    private (IReadOnlyList<ChatMessage> Messages, ChatOptions Options) Prepare(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var images = new ConversationImages(tools.Images);
        var named = images.Take(messages);
        var offered = options?.Clone() ?? new ChatOptions();
        // The same tools given to the agent as well are replaced: only these know the conversation's images.
        offered.Tools = [.. (offered.Tools ?? []).Where(t => t is not VisionFunction), .. tools.Over(images).Functions];
        return (named, offered);
    }
}
