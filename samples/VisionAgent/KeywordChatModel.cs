using D2Pruner.AI;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using FunctionCallContent = Microsoft.Extensions.AI.FunctionCallContent;
using FunctionResultContent = Microsoft.Extensions.AI.FunctionResultContent;

namespace D2Pruner.AI.Samples.VisionAgent;

/// <summary>
/// Stands where a language model that calls functions would: chooses a function by keywords, then puts its JSON into words. It gets what such a
/// model gets (messages and tools) and answers as one does.
/// </summary>
internal sealed partial class KeywordChatModel(VisionImages images) : IChatClient
{
    private int calls;

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var last = messages.Last();
        var message = last.Contents.OfType<FunctionResultContent>().LastOrDefault() is { } result
            ? new ChatMessage(ChatRole.Assistant, InWords(result.Result?.ToString() ?? ""))
            : Choose(Listing().Replace(last.Text, ""), options?.Tools ?? []);
        var finish = message.Contents.OfType<FunctionCallContent>().Any() ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;
        return Task.FromResult(new ChatResponse(message) { ModelId = "keywords", FinishReason = finish });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates()) yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("keywords", null, "keywords") : serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private ChatMessage Choose(string text, IList<AITool> tools)
    {
        // Pictures that the text names, in its order; a file name counts too, whether or not it may be read.
        string[] named = [.. Names().Matches(text).Select(m => m.Value).Where(n => n.Contains('.') || images.Ids.Contains(n))];
        var image = named.FirstOrDefault() ?? images.Ids.FirstOrDefault() ?? "";
        var question = In().Replace(text, "").Trim();

        if (Compare().IsMatch(text) && named.Length > 1) return Call(tools, "compare_images", ("firstImage", named[0]), ("secondImage", named[1]));
        if (Where().Match(question) is { Success: true } where) return Call(tools, "locate_objects", ("image", image), ("objects", where.Groups[1].Value.Trim(' ', '?', '.')));
        if (text.Contains("describe", StringComparison.OrdinalIgnoreCase)) return Call(tools, "describe_image", ("image", image));
        if (text.Contains('?')) return Call(tools, "ask_image", ("image", image), ("question", question));
        return new ChatMessage(ChatRole.Assistant, "Ask a question about a picture; I also understand where, find, describe and compare.");
    }

    private ChatMessage Call(IList<AITool> tools, string name, params (string Name, string Value)[] arguments)
    {
        var tool = tools.FirstOrDefault(t => t.Name.EndsWith(name, StringComparison.Ordinal));
        if (tool is null) return new ChatMessage(ChatRole.Assistant, $"I was not given a function '{name}'.");
        return new ChatMessage(ChatRole.Assistant, [new FunctionCallContent($"call-{++calls}", tool.Name, arguments.ToDictionary(a => a.Name, a => (object?)a.Value))]);
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
        if (json.TryGetProperty("answer", out var answer)) return $"The vision model says: {answer.GetString()}";
        var found = json.GetProperty("objects").EnumerateArray().Select(o => $"{o.GetProperty("label").GetString()} is at {o.GetProperty("pixels").GetRawText()}");
        var missing = json.TryGetProperty("not_found", out var none) ? none.EnumerateArray().Select(n => $"{n.GetString()} was not found") : [];
        return string.Join("; ", found.Concat(missing)) + ".";
    }

    [GeneratedRegex(@"\s*\(Pictures: [^)]*\)$")]
    private static partial Regex Listing();

    [GeneratedRegex(@"[\w-]+(?:\.\w+)?")]
    private static partial Regex Names();

    [GeneratedRegex(@"\s+in (?:the picture )?[\w.-]+(?=\s*[?.]?$)", RegexOptions.IgnoreCase)]
    private static partial Regex In();

    [GeneratedRegex("compare|differ", RegexOptions.IgnoreCase)]
    private static partial Regex Compare();

    [GeneratedRegex(@"(?:where (?:is|are)|find|locate)\s+(.+)$", RegexOptions.IgnoreCase)]
    private static partial Regex Where();
}
