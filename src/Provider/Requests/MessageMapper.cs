using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>Chat messages to turns of text and images, order kept.</summary>
internal sealed class MessageMapper(D2PrunerChatClientOptions options, IImageResolver resolver, UnsupportedOptions unsupported)
{
    /// <summary>Maps a snapshot of messages; images behind URIs are read here.</summary>
    /// <exception cref="ArgumentException">Too many or empty images, or a bad budget on one.</exception>
    /// <exception cref="ImageDecodeException">Bytes of no declared type that are no image.</exception>
    /// <exception cref="NotSupportedException">Content that no image model can take.</exception>
    /// <exception cref="ImageAccessDeniedException">A URI the resolver refuses.</exception>
    public async ValueTask<MappedMessages> MapAsync(
        IReadOnlyList<ChatMessage> messages, string? instructions, CancellationToken cancellationToken)
    {
        CheckImageCount(messages);
        var turns = new List<ChatTurn>(messages.Count + 1);
        foreach (var message in messages) turns.AddRange(await MapAsync(message, cancellationToken).ConfigureAwait(false));
        if (instructions is not null) Prepend(turns, instructions);

        var last = turns.FindLast(t => t.Role == ChatRole.User.Value);
        var system = turns.Where(t => t.Role == ChatRole.System.Value).Select(Text).ToList();
        return new MappedMessages(
            turns, last is null ? "" : Text(last), system.Count == 0 ? null
            : string.Join("\n", system), turns.Sum(t => t.Parts.Count(p => p is ImagePart)));
    }

    // One system turn: the templates of several families know only one.
    private static void Prepend(List<ChatTurn> turns, string instructions)
    {
        if (turns is [{ Role: "system" } first, ..])
            turns[0] = first with { Parts = [new TextPart(Text(first).Length > 0 ? instructions + "\n\n" : instructions), .. first.Parts] };
        else
            turns.Insert(0, new ChatTurn(ChatRole.System.Value, [new TextPart(instructions)]));
    }

    // One turn, and one more for each tool result: those are turns of their own in every template.
    private async ValueTask<List<ChatTurn>> MapAsync(ChatMessage message, CancellationToken cancellationToken)
    {
        if (message.RawRepresentation is ChatTurn turn) return [turn];
        var results = new List<ChatTurn>();
        foreach (var result in message.Contents.OfType<FunctionResultContent>())
            results.Add(new ChatTurn(
                ChatRole.Tool.Value, await PartsAsync(ToolMessages.Contents(result), cancellationToken).ConfigureAwait(false)));
        var parts = await PartsAsync(message.Contents.Where(c => c is not FunctionResultContent), cancellationToken).ConfigureAwait(false);
        return results.Count > 0 && parts.Count == 0 ? results : [.. results, new ChatTurn(RoleOf(message), parts)];
    }

    // Newer services call the system's voice the developer's.
    private static string RoleOf(ChatMessage message) =>
        message.Role.Value.Equals("developer", StringComparison.OrdinalIgnoreCase) ? ChatRole.System.Value : message.Role.Value;

    private async ValueTask<List<ChatPart>> PartsAsync(IEnumerable<AIContent> contents, CancellationToken cancellationToken)
    {
        var parts = new List<ChatPart>();
        foreach (var content in contents)
        {
            if (content is null) throw new ArgumentException("A message holds content that is null.");
            cancellationToken.ThrowIfCancellationRequested();
            if (await MapAsync(content, cancellationToken).ConfigureAwait(false) is { } part) parts.Add(part);
        }
        return parts;
    }

    private async ValueTask<ChatPart?> MapAsync(AIContent content, CancellationToken cancellationToken)
    {
        switch (content)
        {
            case TextContent text:
                return string.IsNullOrEmpty(text.Text) ? null : new TextPart(text.Text);
            case DataContent data:
                RequireImageType(data.MediaType, "DataContent");
                return Image(data.Data, data, $"DataContent of type '{data.MediaType}'", IsOpaque(data.MediaType));
            case UriContent uri:
                RequireImageType(uri.MediaType, "UriContent");
                var bytes = await resolver.ResolveAsync(uri.Uri, cancellationToken).ConfigureAwait(false);
                return Image(bytes, uri, $"The image behind a UriContent of type '{uri.MediaType}'", mustSniff: true);
            case FunctionCallContent call:
                return ToolMessages.Call(call);
            case HostedFileContent file:
                throw new NotSupportedException(
                    $"A message holds the hosted file '{file.FileId}', which a model in this process cannot reach; send its bytes as " +
                    "DataContent.");
            case TextReasoningContent or UsageContent or ErrorContent:
                return null; // An answer's by-products, not part of what was said.
            default:
                unsupported.IgnoreContent(content);
                return null;
        }
    }

    private ImagePart Image(ReadOnlyMemory<byte> bytes, AIContent content, string what, bool mustSniff)
    {
        if (bytes.IsEmpty) throw new ArgumentException($"{what} is empty; expected the bytes of an encoded image.");
        if (bytes.Length > options.MaxImageBytes)
            throw new RequestTooLargeException(
                $"{what} has {bytes.Length} bytes, more than MaxImageBytes = {options.MaxImageBytes}. Shrink the image or raise " +
                "the limit.");
        if (mustSniff && ImageSniffer.Sniff(bytes.Span) is null)
            throw new ImageDecodeException($"{what} holds no known image format; expected PNG, JPEG, WebP, GIF or BMP bytes.");

        if (content.AdditionalProperties is not { Count: > 0 } properties) return new ImagePart(bytes);
        var reader = new PropertyReader(properties, "an image's AdditionalProperties");
        var budget = OptionsMapper.ReadPruning(reader);
        VisualPruningRules.ThrowIfInvalid(budget, "image", null);
        var preset = reader.Enum<PruningPreset>(D2PrunerKeys.Preset);
        var other = reader.UnknownKeys([D2PrunerKeys.KeepRatio, D2PrunerKeys.KeepTokens, D2PrunerKeys.Preset]).FirstOrDefault();
        if (other is not null || preset is not (null or PruningPreset.None))
        {
            throw new ArgumentException(
                $"An image carries '{other ?? $"{D2PrunerKeys.Preset} = {preset}"}', but there is one prune point for the whole " +
                    $"request: an image may carry only {D2PrunerKeys.KeepRatio}, {D2PrunerKeys.KeepTokens} or " +
                    $"{D2PrunerKeys.Preset} = none.");
        }
        if (preset == PruningPreset.None && (budget.KeepRatio ?? budget.KeepTokens) is not null)
            throw new ArgumentException($"An image carries both {D2PrunerKeys.Preset} = none and a budget; set one of them.");
        return new ImagePart(bytes) { KeepRatio = budget.KeepRatio, KeepTokens = budget.KeepTokens,
            KeepAll = preset == PruningPreset.None };
    }

    // Before any URI is fetched.
    private void CheckImageCount(IReadOnlyList<ChatMessage> messages)
    {
        var count = messages.Sum(
            m => m.RawRepresentation is ChatTurn t ? t.Parts.Count(p => p is ImagePart)
            : ToolMessages.Flatten(m).Count(c => c is DataContent or UriContent));
        if (count > options.MaxImagesPerRequest)
            throw new RequestTooLargeException(
                $"The request holds {count} images, more than MaxImagesPerRequest = {options.MaxImagesPerRequest}. Send fewer or raise " +
                "the limit.");
    }

    private static void RequireImageType(string mediaType, string kind)
    {
        if (IsOpaque(mediaType) || mediaType.StartsWith("image/", StringComparison.OrdinalIgnoreCase)) return;
        throw new NotSupportedException(
            $"A message holds {kind} of type '{mediaType}', but this model takes text and images only; expected image/... (or " +
            "application/octet-stream with an image's bytes).");
    }

    private static bool IsOpaque(string mediaType) => mediaType.StartsWith("application/octet-stream", StringComparison.OrdinalIgnoreCase);

    private static string Text(ChatTurn turn) => string.Concat(turn.Parts.OfType<TextPart>().Select(p => p.Text));
}
