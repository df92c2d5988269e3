using System.Text.Json;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>Calls and results in messages, as the engine and its templates take them.</summary>
internal static class ToolMessages
{
    /// <summary>A call that an assistant message holds.</summary>
    public static ToolCallPart Call(FunctionCallContent call) =>
        new(call.Name, call.Arguments is { Count: > 0 } arguments ? Json(arguments, typeof(IDictionary<string, object?>)) : "{}");

    /// <summary>What a result shows the model, in order: texts and images as they are, everything else as JSON.</summary>
    public static IReadOnlyList<AIContent> Contents(FunctionResultContent result) => result.Result switch
    {
        null => [new TextContent(result.Exception is null ? "null" : "Error: the function failed.")],
        AIContent content => [content],
        IEnumerable<AIContent> contents => [.. contents],
        string text => [new TextContent(text)],
        JsonElement { ValueKind: JsonValueKind.String } text => [new TextContent(Text(text))],
        var other => [new TextContent(Json(other, typeof(object)))],
    };

    /// <summary>All contents of a message, those inside results included.</summary>
    public static IEnumerable<AIContent> Flatten(ChatMessage message) =>
        message.Contents.SelectMany(c => c is FunctionResultContent r ? Contents(r) : [c]);

    private static string Json(object value, Type type)
    {
        if (value is JsonElement element) return CompactJson.Rewrite(element);
        try
        {
            return CompactJson.Rewrite(JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(type)));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or NotSupportedException)
        {
            throw new ArgumentException($"A tool's arguments or result ({value.GetType().Name}) cannot be written as JSON: {e.Message}", e);
        }
    }

    private static string? Text(JsonElement json)
    {
        try
        {
            return json.GetString();
        }
        catch (InvalidOperationException e)
        {
            throw new ArgumentException($"A tool's result is text that is no Unicode: {e.Message}", e);
        }
    }
}
