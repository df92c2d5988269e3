using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace D2Pruner.AI.Tests.Samples;

/// <summary>An OpenAI-compatible endpoint: its model calls one function with the user's question, then says what came back.</summary>
internal sealed partial class OpenAIDouble(WebApplication app, List<JsonElement> requests) : IAsyncDisposable
{
    public string Address => app.Urls.Single() + "/v1";

    public IReadOnlyList<JsonElement> Requests { get { lock (requests) return [.. requests]; } }

    public static async Task<OpenAIDouble> StartAsync(string function)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        List<JsonElement> requests = [];
        app.UseRouting();
        app.MapPost("/v1/chat/completions", async (HttpContext context) =>
        {
            var request = (await JsonDocument.ParseAsync(context.Request.Body)).RootElement;
            lock (requests) requests.Add(request);
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(Answer(request, function).ToJsonString());
        });
        await app.StartAsync();
        return new OpenAIDouble(app, requests);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private static JsonObject Answer(JsonElement request, string function)
    {
        var messages = request.GetProperty("messages").EnumerateArray().ToList();
        JsonObject message = new() { ["role"] = "assistant" };
        if (messages[^1].GetProperty("role").GetString() == "tool")
        {
            message["content"] = $"The brain says: {JsonDocument.Parse(Text(messages[^1])).RootElement.GetProperty("answer").GetString()}";
        }
        else
        {
            var image = Attached().Match(Text(messages[^1])) is { Success: true } attached ? attached.Value : "shapes";
            var arguments = new JsonObject { ["image"] = image, ["question"] = "What colour is the circle?" };
            message["content"] = null;
            message["tool_calls"] = new JsonArray(new JsonObject
            {
                ["id"] = "call_1", ["type"] = "function", ["function"] = new JsonObject { ["name"] = function,
                    ["arguments"] = arguments.ToJsonString() },
            });
        }

        return new JsonObject
        {
            ["id"] = "c1", ["object"] = "chat.completion", ["created"] = 1, ["model"] = "brain-1",
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message,
                ["finish_reason"] = message.ContainsKey("tool_calls") ? "tool_calls" : "stop" }),
            ["usage"] = new JsonObject { ["prompt_tokens"] = 1, ["completion_tokens"] = 1, ["total_tokens"] = 2 },
        };
    }

    // Content is a text, or parts of which some are texts.
    private static string Text(JsonElement message) => message.GetProperty("content") is { ValueKind: JsonValueKind.Array } parts
        ? string.Concat(parts.EnumerateArray().Where(p => p.TryGetProperty("text", out _)).Select(p => p.GetProperty("text").GetString()))
        : message.GetProperty("content").GetString() ?? "";

    [GeneratedRegex("attachment-[0-9a-f]+")]
    private static partial Regex Attached();
}
