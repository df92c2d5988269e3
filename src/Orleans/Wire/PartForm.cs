using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>A part of a turn: text, an image's hash, a call or a result.</summary>
internal sealed record PartForm
{
    public string? Text { get; init; }

    public string? Image { get; init; }

    public double? KeepRatio { get; init; }

    public int? KeepTokens { get; init; }

    public bool KeepAll { get; init; }

    public string? Call { get; init; }

    public string? Arguments { get; init; }

    public string? Result { get; init; }

    public static PartForm Of(ChatPart part, IDictionary<string, ReadOnlyMemory<byte>> images)
    {
        switch (part)
        {
            case TextPart text:
                return new PartForm { Text = text.Text };
            case ImagePart image:
                var hash = ImageHash.Of(image.Bytes.Span);
                images[hash] = image.Bytes;
                return new PartForm { Image = hash, KeepRatio = image.KeepRatio, KeepTokens = image.KeepTokens, KeepAll = image.KeepAll };
            case ToolCallPart call:
                return new PartForm { Call = call.Name, Arguments = call.ArgumentsJson };
            case ToolResultPart result:
                return new PartForm { Result = result.Content };
            default:
                throw new NotSupportedException($"A part of the type {part.GetType().Name} cannot travel to a worker.");
        }
    }

    public ChatPart ToPart(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> images) => this switch
    {
        { Text: { } text } => new TextPart(text),
        { Image: { } hash } => new ImagePart(images[hash]) { KeepRatio = KeepRatio, KeepTokens = KeepTokens, KeepAll = KeepAll },
        { Call: { } name } => new ToolCallPart(name, Arguments!),
        { Result: { } content } => new ToolResultPart(content),
        _ => throw new InvalidOperationException("A part of a turn says nothing; caller and worker are of different versions."),
    };
}
