using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Samples;

/// <summary>
/// Stands where a language model that calls functions would: keyword rules choose a function, then put its JSON into words. It gets what
/// such a model gets (messages and tools) and answers as one does. (The same file in several samples, so that each can be copied out
/// alone.)
/// </summary>
internal sealed partial class RuleBrain : IChatClient
{
    /// <summary>What a user must know about it.</summary>
    public const string Note = "Brain: keyword rules stand in for a language model; name a real one with --brain-url URL --brain-model " +
        "NAME, or --ollama MODEL.";

    private int calls;

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        List<ChatMessage> all = [.. messages];
        var results = all[^1].Contents.OfType<FunctionResultContent>().ToList();
        var message = results.Count > 0
            ? new ChatMessage(ChatRole.Assistant, string.Join(" ", results.Select(r => InWords(r.Result?.ToString() ?? ""))))
            : Choose(all[^1].Text, string.Join(' ', all.Where(m => m.Role == ChatRole.User).Select(m => m.Text)), options?.Tools ?? []);
        var finish = message.Contents.OfType<FunctionCallContent>().Any() ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;
        return Task.FromResult(new ChatResponse(message) { ModelId = "rules", FinishReason = finish });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates()) yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("rules", null, "rules") : serviceKey is null
            && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private ChatMessage Choose(string text, string conversation, IList<AITool> tools)
    {
        // Images: those that the text names, in its order (a file's name too, whether or not it may be read), else the first that is known.
        string[] listed = Listed().Match(text) is { Success: true } list ? list.Groups[1].Value.Split(", ") : [];
        string[] known = [.. Attached().Matches(conversation).Select(m => m.Groups[1].Value), .. listed];
        var question = Attached().Replace(Listed().Replace(text, ""), "").Trim();
        string[] named = [.. Words().Matches(question).Select(m => m.Value).Where(w => known.Contains(w) || w.Contains('.'))];
        var image = named.FirstOrDefault() ?? known.LastOrDefault() ?? "";

        // The question is passed whole: what it asks for decides how the image is looked at.
        if (Compare().IsMatch(question) && named.Length > 1)
            return Call(tools, "compare_images", ("firstImage", named[0]), ("secondImage", named[1]), ("question", question));
        if (Find().Match(question) is { Success: true } find)
            return Call(tools, "locate_objects", ("image", image), ("objects", find.Groups[1].Value));
        if (question.StartsWith("describe", StringComparison.OrdinalIgnoreCase)) return Call(tools, "describe_image", ("image", image));
        if (Read().IsMatch(question)) return Call(tools, "read_text", ("image", image));
        if (question.EndsWith('?')) return Call(tools, "ask_image", ("image", image), ("question", question));
        return new ChatMessage(ChatRole.Assistant, "Ask a question about an image; I also understand find, read, describe and compare.");
    }

    private ChatMessage Call(IList<AITool> tools, string name, params (string Name, string Value)[] arguments)
    {
        var tool = tools.FirstOrDefault(t => t.Name.EndsWith(name, StringComparison.Ordinal));
        if (tool is null) return new ChatMessage(ChatRole.Assistant, $"I was not given a function '{name}'.");
        return new ChatMessage(ChatRole.Assistant,
            [new FunctionCallContent($"call-{++calls}", tool.Name, arguments.ToDictionary(a => a.Name, a => (object?)a.Value))]);
    }

    private static string InWords(string result)
    {
        JsonElement json;
        try
        {
            json = JsonDocument.Parse(result).RootElement;
        }
        catch (JsonException)
        {
            return result;
        }

        if (json.TryGetProperty("error", out var error)) return $"I could not look at it: {error.GetString()}";
        if (json.TryGetProperty("answer", out var answer))
            return $"The vision model says: {answer.GetString()}" +
                (json.TryGetProperty("objects", out var boxes) ? $" (pixels {boxes[0].GetProperty("pixels").GetRawText()})" : "");
        if (json.TryGetProperty("text", out var read)) return $"It reads: {read.GetString()}";
        var found = json.GetProperty("objects").EnumerateArray().Select(o =>
            $"{o.GetProperty("label").GetString()} is at {o.GetProperty("pixels").GetRawText()}");
        var missing = json.TryGetProperty("not_found", out var none) ? none.EnumerateArray().Select(n => $"{n.GetString()} was not found")
            : [];
        return string.Join("; ", found.Concat(missing)) + ".";
    }

    [GeneratedRegex(@"\[attached image, id: ([\w-]+)\]")]
    private static partial Regex Attached();

    [GeneratedRegex(@"\s*\(Images: ([^)]*)\.\)$")]
    private static partial Regex Listed();

    [GeneratedRegex(@"[\w-]+(?:[./][\w-]+)*")]
    private static partial Regex Words();

    [GeneratedRegex("compare|differ", RegexOptions.IgnoreCase)]
    private static partial Regex Compare();

    [GeneratedRegex(@"^(?:find|locate)\s+(.+?)(?:\s+in\s+[\w.-]+)?[.?]?$", RegexOptions.IgnoreCase)]
    private static partial Regex Find();

    [GeneratedRegex(@"^read\b", RegexOptions.IgnoreCase)]
    private static partial Regex Read();
}
