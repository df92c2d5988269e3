using System.Text.Json;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary>
/// OpenAI's request bodies. Unknown fields are ignored, as OpenAI does; known ones that cannot be honoured are refused by name.
/// </summary>
internal static class RequestReader
{
    private const int CompletionDefaultTokens = 16;

    /// <summary>Reads the body of <c>/v1/chat/completions</c>.</summary>
    public static AnswerRequest ReadChat(JsonElement body, D2PrunerServerOptions options, bool remoteImages) => Reading(() =>
    {
        var request = new JsonFields(body);
        Refuse(request);
        var chat = Common(request);
        chat.MaxOutputTokens = (int?)(
            request.Integer("max_completion_tokens", 1, int.MaxValue) ?? request.Integer("max_tokens", 1, int.MaxValue));
        ToolsReader.Read(request, chat);
        PruningReader.Read(request, chat);
        var messages = new MessagesReader(options, remoteImages).Read(request);
        return new AnswerRequest(request.String("model"), messages, chat, request.Bool("stream") ?? false, IncludeUsage(request));
    });

    /// <summary>Reads the body of <c>/v1/completions</c>: a prompt is one user message.</summary>
    public static AnswerRequest ReadCompletion(JsonElement body) => Reading(() =>
    {
        var request = new JsonFields(body);
        Refuse(request);
        foreach (var name in (string[])["suffix", "echo"])
        {
            if (request.Find(name) is { } value && value.ValueKind != JsonValueKind.False
                && !(value.ValueKind == JsonValueKind.String && value.ValueEquals("")))
                throw RequestException.Bad(
                    name, $"'{name}' cannot be honoured: prompts go through the model's chat template.", "unsupported");
        }

        if (request.Integer("best_of", 1, int.MaxValue) is > 1)
            throw RequestException.Bad("best_of", "'best_of' must be 1.", "unsupported");
        var chat = Common(request);
        chat.MaxOutputTokens = (int)(request.Integer("max_tokens", 1, int.MaxValue) ?? CompletionDefaultTokens);
        PruningReader.Read(request, chat);
        return new AnswerRequest(
            request.String("model"), [new ChatMessage(ChatRole.User, Prompt(request))], chat, request.Bool("stream") ?? false,
            IncludeUsage(request));
    });

    // What System.Text.Json finds wrong only when a text is taken out of it (halves of surrogate pairs
    // in names, say) is the caller's error too.
    private static AnswerRequest Reading(Func<AnswerRequest> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or JsonException)
        {
            throw new RequestException(ServerError.BadRequest("The request's body holds a name or text that is not valid Unicode."), e);
        }
    }

    private static ChatOptions Common(JsonFields request)
    {
        var (temperature, topP) = ((float?)request.Number("temperature", 0, 2), (float?)request.Number("top_p", 0, 1));
        var topK = (int?)request.Integer("top_k", -1, int.MaxValue);
        return new ChatOptions
        {
            // The smallest nucleus is the best token alone.
            Temperature = topP == 0 ? 0 : temperature,
            TopP = topP == 0 ? null : topP,
            // 0 and -1 say that it is off.
            TopK = topK > 0 ? topK : null,
            Seed = request.Integer("seed", long.MinValue, long.MaxValue),
            FrequencyPenalty = (float?)request.Number("frequency_penalty", -2, 2),
            PresencePenalty = (float?)request.Number("presence_penalty", -2, 2),
            StopSequences = Stop(request),
        };
    }

    private static List<string>? Stop(JsonFields request)
    {
        const string field = "stop";
        if (request.Find(field) is not { } stop) return null;
        if (stop.ValueKind == JsonValueKind.String) return JsonFields.Text(stop, field) is { Length: > 0 } one ? [one] : null;
        if (stop.ValueKind != JsonValueKind.Array || stop.GetArrayLength() > 4)
            throw request.Wrong(field, stop, "a string or an array of up to 4 strings");
        return [.. stop.EnumerateArray().Select((s, i) => JsonFields.Text(s, $"{field}[{i}]")).Where(s => s.Length > 0)];
    }

    private static string Prompt(JsonFields request)
    {
        const string field = "prompt";
        var prompt = request.Find(field) ?? throw RequestException.Bad(field, "'prompt' is missing; expected a string.");
        if (prompt.ValueKind == JsonValueKind.Array)
        {
            if (prompt.GetArrayLength() != 1)
                throw request.Wrong(field, prompt, "one string (several prompts in one request are not taken)");
            prompt = prompt[0];
        }

        if (prompt.ValueKind != JsonValueKind.String) throw request.Wrong(field, prompt, "a string (token ids are not taken)");
        return JsonFields.Text(prompt, field);
    }

    private static bool IncludeUsage(JsonFields request)
    {
        if (request.Object("stream_options") is not { } options) return false;
        if (request.Bool("stream") != true) throw RequestException.Bad("stream_options", "'stream_options' needs 'stream': true.");
        return options.Bool("include_usage") ?? false;
    }

    private static void Refuse(JsonFields request)
    {
        if (request.Integer("n", long.MinValue, long.MaxValue) is { } n and not 1)
            throw RequestException.Bad("n", $"'n' is {n}; this server gives one answer a request.", "unsupported");
        if (request.Find("logprobs") is { ValueKind: not JsonValueKind.False }) throw Unsupported("logprobs");
        if (request.Find("top_logprobs") is { } top
            && !(top.ValueKind == JsonValueKind.Number && top.TryGetInt32(out var count) && count == 0)) throw Unsupported("top_logprobs");
        if (request.Find("logit_bias") is { } bias && !(bias.ValueKind == JsonValueKind.Object && bias.GetPropertyCount() == 0))
            throw Unsupported("logit_bias");
        if (request.Find("audio") is not null) throw Unsupported("audio");
        if (request.Find("web_search_options") is not null) throw Unsupported("web_search_options");
        if (request.Array("modalities") is { } modalities
            && modalities.EnumerateArray()
            .Any(m => m.ValueKind != JsonValueKind.String || !m.ValueEquals("text"))) throw Unsupported("modalities");
    }

    private static RequestException Unsupported(string field) =>
        RequestException.Bad(field, $"'{field}' cannot be honoured by this server; leave it out.", "unsupported");
}
