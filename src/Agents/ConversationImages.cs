using System.Security.Cryptography;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>
/// The images of one conversation, by ids in the order in which they stand there, before those that the application registered. Made anew
/// from each request's messages: nothing of one conversation is kept or seen by another. An id comes from the image's bytes, so that it
/// means the same image however much of the history a request holds, and none where its image is gone.
/// </summary>
internal sealed class ConversationImages(VisionImages registered) : IImageSource
{
    /// <summary>Ids are this and the first sixteen hex digits of the SHA-256 of the image's bytes.</summary>
    public const string Prefix = "attachment-";

    private const int Digits = 16;
    private readonly OrderedDictionary<string, ReadOnlyMemory<byte>> attached = new(StringComparer.Ordinal);

    /// <summary>The messages with each image's id in its place.</summary>
    public IReadOnlyList<ChatMessage> Take(IEnumerable<ChatMessage> messages) => [.. messages.Select(Take)];

    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(string reference, CancellationToken cancellationToken) =>
        attached.TryGetValue(reference, out var image) ? ValueTask.FromResult(image) : registered.ReadAsync(reference, cancellationToken);

    public IReadOnlyList<string> Names(int limit) => [.. attached.Keys.Concat(registered.Names(limit)).Take(limit)];

    private ChatMessage Take(ChatMessage message)
    {
        if (!message.Contents.Any(IsImage)) return message;
        var copy = message.Clone();
        copy.Contents = [.. message.Contents.Select(c => IsImage(c) ? Named((DataContent)c) : c)];
        return copy;
    }

    private TextContent Named(DataContent image)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(image.Data.Span));
        // Another image whose hash begins the same has a longer id.
        var length = Digits;
        while (!attached.TryAdd(Prefix + hash[..length], image.Data)
            && !attached[Prefix + hash[..length]].Span.SequenceEqual(image.Data.Span)) length += Digits;
        return new TextContent($"[attached image, id: {Prefix}{hash[..length]}]");
    }

    private bool IsImage(AIContent content) =>
        content is DataContent data && data.Data.Length <= registered.MaxImageBytes && VisionImages.MediaType(data.Data.Span) is not null;
}
