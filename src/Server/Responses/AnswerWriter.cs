using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary>OpenAI's shapes of one answer: the whole object, and the chunks of a stream.</summary>
/// <param name="kind">Which endpoint asked.</param>
/// <param name="model">The model.</param>
internal sealed class AnswerWriter(AnswerKind kind, ServedModel model)
{
    private readonly long _created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    public string Id { get; } = (kind == AnswerKind.Chat ? "chatcmpl-" : "cmpl-") + Guid.NewGuid().ToString("N");

    /// <summary>The whole answer.</summary>
    public void Whole(Utf8JsonWriter json, string text, IReadOnlyList<FunctionCallContent> calls, AnswerFacts facts)
    {
        Begin(json, kind == AnswerKind.Chat ? "chat.completion" : "text_completion");
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", 0);
        if (kind == AnswerKind.Chat)
        {
            json.WriteStartObject("message");
            json.WriteString("role", "assistant");
            if (text.Length == 0 && calls.Count > 0) json.WriteNull("content");
            else json.WriteString("content", text);
            json.WriteNull("refusal");
            if (calls.Count > 0) Calls(json, calls, firstIndex: null);
            json.WriteEndObject();
        }
        else json.WriteString("text", text);
        json.WriteNull("logprobs");
        json.WriteString("finish_reason", facts.Reason(calls.Count > 0));
        json.WriteEndObject();
        json.WriteEndArray();
        Usage(json, facts.Usage);
        Extensions(json, facts);
        json.WriteEndObject();
    }

    /// <summary>The first chunk: who speaks.</summary>
    public void First(Utf8JsonWriter json, bool usageFollows) => Chunk(json, null, usageFollows, delta =>
    {
        delta.WriteString("role", "assistant");
        delta.WriteString("content", "");
        delta.WriteNull("refusal");
    });

    public void Text(Utf8JsonWriter json, string text, bool usageFollows)
    {
        if (kind == AnswerKind.Chat) Chunk(json, null, usageFollows, delta => delta.WriteString("content", text));
        else TextChunk(json, text, null, usageFollows, null);
    }

    public void Calls(Utf8JsonWriter json, IReadOnlyList<FunctionCallContent> calls, int firstIndex, bool usageFollows) =>
        Chunk(json, null, usageFollows, delta => Calls(delta, calls, firstIndex));

    /// <summary>Why it ended; the last chunk unless usage follows.</summary>
    public void Finish(Utf8JsonWriter json, AnswerFacts facts, bool called, bool usageFollows)
    {
        var last = usageFollows ? null : facts;
        if (kind == AnswerKind.Chat) Chunk(json, facts.Reason(called), usageFollows, _ => { }, last);
        else TextChunk(json, "", facts.Reason(called), usageFollows, last);
    }

    /// <summary>The chunk of usage, which has no choices; the last one.</summary>
    public void UsageChunk(Utf8JsonWriter json, AnswerFacts facts)
    {
        Begin(json, Object);
        json.WriteStartArray("choices");
        json.WriteEndArray();
        Usage(json, facts.Usage);
        Extensions(json, facts);
        json.WriteEndObject();
    }

    private string Object => kind == AnswerKind.Chat ? "chat.completion.chunk" : "text_completion";

    private void Begin(Utf8JsonWriter json, string type)
    {
        json.WriteStartObject();
        json.WriteString("id", Id);
        json.WriteString("object", type);
        json.WriteNumber("created", _created);
        json.WriteString("model", model.Id);
        json.WriteString("system_fingerprint", model.Fingerprint);
    }

    private void Chunk(Utf8JsonWriter json, string? reason, bool usageFollows, Action<Utf8JsonWriter> delta, AnswerFacts? last = null)
    {
        Begin(json, Object);
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", 0);
        json.WriteStartObject("delta");
        delta(json);
        json.WriteEndObject();
        json.WriteNull("logprobs");
        json.WriteString("finish_reason", reason);
        json.WriteEndObject();
        json.WriteEndArray();
        End(json, usageFollows, last);
    }

    private void TextChunk(Utf8JsonWriter json, string text, string? reason, bool usageFollows, AnswerFacts? last)
    {
        Begin(json, Object);
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", 0);
        json.WriteString("text", text);
        json.WriteNull("logprobs");
        json.WriteString("finish_reason", reason);
        json.WriteEndObject();
        json.WriteEndArray();
        End(json, usageFollows, last);
    }

    // OpenAI sends "usage": null on every chunk before the one that has it.
    private static void End(Utf8JsonWriter json, bool usageFollows, AnswerFacts? last)
    {
        if (usageFollows) json.WriteNull("usage");
        if (last is not null) Extensions(json, last);
        json.WriteEndObject();
    }

    private static void Calls(Utf8JsonWriter json, IReadOnlyList<FunctionCallContent> calls, int? firstIndex)
    {
        json.WriteStartArray("tool_calls");
        for (var i = 0; i < calls.Count; i++)
        {
            json.WriteStartObject();
            if (firstIndex is { } first) json.WriteNumber("index", first + i);
            json.WriteString("id", calls[i].CallId);
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", calls[i].Name);
            json.WriteString("arguments", calls[i].Arguments is { Count: > 0 } arguments ? Json(arguments) : "{}");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string Json(IDictionary<string, object?> arguments) =>
        CompactJson.Rewrite(JsonSerializer.SerializeToElement(
            arguments, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>))));

    private static void Usage(Utf8JsonWriter json, UsageDetails? usage)
    {
        if (usage is null)
        {
            json.WriteNull("usage");
            return;
        }

        var (prompt, completion) = (usage.InputTokenCount ?? 0, usage.OutputTokenCount ?? 0);
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", prompt);
        json.WriteNumber("completion_tokens", completion);
        json.WriteNumber("total_tokens", usage.TotalTokenCount ?? prompt + completion);
        json.WriteStartObject("prompt_tokens_details");
        json.WriteNumber("cached_tokens", usage.CachedInputTokenCount ?? 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Extensions(Utf8JsonWriter json, AnswerFacts facts)
    {
        if (facts.Report is not { } report) return;
        Node(json, "pruning", PruningJson.Full(report));
        Node(json, "groundings", GroundingJson.Of(facts.Groundings ?? [], report));
    }

    private static void Node(Utf8JsonWriter json, string name, JsonNode node)
    {
        json.WritePropertyName(name);
        node.WriteTo(json);
    }
}
