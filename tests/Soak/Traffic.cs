using System.Text.Json;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Soak;

/// <summary>One caller: sound questions of every kind, abandoned ones, and nonsense. Whatever is not expected ends the soak.</summary>
internal sealed class Traffic(IChatClient client, IReadOnlyList<byte[]> images, int seed)
{
    private static readonly string[] Questions =
        ["What is in the picture?", "Where is the red circle?", "How many squares are there?", "Read the text.", "Hello."];
    private static readonly JsonElement Schema = JsonDocument.Parse("""{"type":"object","properties":{"label":{"type":"string","maxLength":8},"bbox_2d":{"type":"array","items":{"type":"integer","minimum":0,"maximum":999},"minItems":4,"maxItems":4}},"required":["label","bbox_2d"]}""").RootElement.Clone();
    private readonly Random _random = new(seed);
    private List<ChatMessage> _history = [];

    /// <summary>Sends one request and looks at how it ends.</summary>
    /// <exception cref="InvalidOperationException">It ended otherwise than it must.</exception>
    public async Task SendAsync()
    {
        switch (_random.Next(12))
        {
            case 0:
                await StreamAndLeave().ConfigureAwait(false);
                break;
            case 1 or 2:
                await Cancel().ConfigureAwait(false);
                break;
            case 3:
                await Answered([Question()],
                    new ChatOptions { MaxOutputTokens = 40, ResponseFormat = ChatResponseFormat.ForJsonSchema(Schema) })
                    .ConfigureAwait(false);
                break;
            case 4:
                await Refused([new(ChatRole.User,
                    [new DataContent(_random.Next(2) == 0 ? new byte[50] : images[0].AsMemory(0, images[0].Length / 2), "image/png"),
                        new TextContent("?")])], null).ConfigureAwait(false);
                break;
            case 5:
                await Refused([Question()], new ChatOptions { AdditionalProperties = new() { ["d2pruner.keep_ratio"] = 7 } })
                    .ConfigureAwait(false);
                break;
            case 6:
                await Refused([Question()],
                    new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(
                        JsonDocument.Parse("{\"type\":\"nothing\"}").RootElement.Clone()) }).ConfigureAwait(false);
                break;
            case 7:
                await Answered([Question()],
                    new ChatOptions { MaxOutputTokens = 8, Temperature = 1, Seed = _random.Next() }.WithPruning(
                        (PruningPreset)_random.Next(4))).ConfigureAwait(false);
                break;
            case 8 or 9:
                await Converse().ConfigureAwait(false);
                break;
            default:
                await Answered([Question()], new ChatOptions { MaxOutputTokens = 8 }).ConfigureAwait(false);
                break;
        }
    }

    private ChatMessage Question() => _random.Next(5) == 0
        ? new ChatMessage(ChatRole.User, Questions[_random.Next(Questions.Length)])
        : new ChatMessage(ChatRole.User,
            [new DataContent(images[_random.Next(images.Count)], "image/png"), new TextContent(Questions[_random.Next(Questions.Length)])]);

    private async Task Answered(IEnumerable<ChatMessage> messages, ChatOptions options)
    {
        var response = await client.GetResponseAsync(messages, options).ConfigureAwait(false);
        if (response.Usage?.OutputTokenCount is not > 0) throw new InvalidOperationException("An answer has no tokens.");
    }

    private async Task Converse()
    {
        if (_history.Count > 4) _history = [];
        _history.Add(_history.Count == 0 ? Question() : new ChatMessage(ChatRole.User, "And now?"));
        var response = await client.GetResponseAsync(_history, new ChatOptions { MaxOutputTokens = 6 }).ConfigureAwait(false);
        _history.AddRange(response.Messages);
    }

    private async Task StreamAndLeave()
    {
        var left = _random.Next(4);
        await foreach (var _ in client.GetStreamingResponseAsync([Question()], new ChatOptions { MaxOutputTokens = 40 })
            .ConfigureAwait(false))
        {
            if (left-- == 0) return;
        }
    }

    private async Task Cancel()
    {
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(_random.Next(300)));
        try
        {
            await client.GetResponseAsync([Question()], new ChatOptions { MaxOutputTokens = 200 }, source.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (e.CancellationToken == source.Token)
        {
        }
    }

    private async Task Refused(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        try
        {
            await client.GetResponseAsync(messages, options).ConfigureAwait(false);
        }
        catch (Exception e) when (e.GetVisionErrorKind() is VisionErrorKind.InvalidRequest or VisionErrorKind.Unsupported)
        {
            return;
        }

        throw new InvalidOperationException("Nonsense was answered.");
    }
}
