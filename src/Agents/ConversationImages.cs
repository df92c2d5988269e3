using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>
/// The images of one conversation, by ids in the order in which they stand there, before those that the application registered. Made anew
/// from each request's messages: nothing of one conversation is kept or seen by another.
/// </summary>
internal sealed class ConversationImages(VisionImages registered) : IImageSource
{
    /// <summary>Ids are this and a number from 1.</summary>
    public const string Prefix = "attachment-";

    private readonly List<ReadOnlyMemory<byte>> attached = [];

    /// <summary>The messages with each image's id in its place.</summary>
    public IReadOnlyList<ChatMessage> Take(IEnumerable<ChatMessage> messages) => [.. messages.Select(Take)];

    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(string reference, CancellationToken cancellationToken) =>
        reference.StartsWith(Prefix, StringComparison.Ordinal) && int.TryParse(reference.AsSpan(Prefix.Length),
            System.Globalization.NumberStyles.None, null, out var number)
        && number >= 1 && number <= attached.Count
            ? ValueTask.FromResult(attached[number - 1])
            : registered.ReadAsync(reference, cancellationToken);

    public IReadOnlyList<string> Names(int limit) =>
        [.. Enumerable.Range(1, attached.Count).Select(i => $"{Prefix}{i}").Concat(registered.Names(limit)).Take(limit)];

    private ChatMessage Take(ChatMessage message)
    {
        if (!message.Contents.Any(IsImage)) return message;
        var copy = message.Clone();
        copy.Contents = [.. message.Contents.Select(c => IsImage(c) ? Named((DataContent)c) : c)];
        return copy;
    }

    private TextContent Named(DataContent image)
    {
        attached.Add(image.Data);
        return new TextContent($"[attached image, id: {Prefix}{attached.Count}]");
    }

    private bool IsImage(AIContent content) =>
        content is DataContent data && data.Data.Length <= registered.MaxImageBytes && VisionImages.MediaType(data.Data.Span) is not null;
}
