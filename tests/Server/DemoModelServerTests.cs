using System.Net;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>The whole way with the shipped model: HTTP, client, engine, pruning, and back.</summary>
[Collection(TorchCollection.Name)]
public sealed class DemoModelServerTests
{
    [Fact]
    public async Task TheDemoModel_AnswersThroughTheServer()
    {
        await using var server = await RunningServer.StartAsync(
            services => services.AddD2PrunerChatClient(Repository.DemoModel, o => o.ToolConvention = ToolConvention.Json));
        var image = RunningServer.ImagePart(await server.Http.GetByteArrayAsync("studio/samples/shapes.png"));
        static string Ask(string question, string image) => $$"""[{{image}},{"type":"text","text":"{{question}}"}]""";

        // The first request loads the model; then it is ready.
        var (status, colour, _) =
            await server.ChatAsync(RunningServer.ChatBody("\"max_tokens\":8", Ask("What colour is the circle?", image)));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("red", colour.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal((576, 192), (
            colour.GetProperty("pruning").GetProperty("visual_tokens").GetInt32(),
            colour.GetProperty("pruning").GetProperty("visual_tokens_kept").GetInt32()));
        Assert.StartsWith("fp_", colour.GetProperty("system_fingerprint").GetString());
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("health/ready")).StatusCode);

        var events = await server.StreamAsync(
            RunningServer.ChatBody("\"stream\":true,\"max_tokens\":32,\"pruning\":{\"preset\":\"localization\",\"include_scores\":true}",
                Ask("Where is the blue square?", image)));
        var last = JsonDocument.Parse(events[^2]).RootElement;
        var pixels = last.GetProperty("groundings")[0].GetProperty("box_pixels").EnumerateArray().Select(v => v.GetInt32()).ToArray();
        // Drawn at 223..257 x 73..107 of 336.
        Assert.InRange(pixels[0], 210, 236);
        Assert.InRange(pixels[3], 95, 120);
        var report = last.GetProperty("pruning").GetProperty("images")[0];
        foreach (var map in new[] { "scores", "attention", "prior_map" }) Assert.Equal(576, report.GetProperty(map).GetArrayLength());

        // A schema is followed, and a tool is called by the convention.
        var (_, json, _) = await server.ChatAsync(RunningServer.ChatBody("""
            "max_tokens":40,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"n":{"type":"integer","minimum":0,"maximum":9}},"required":["n"],"additionalProperties":false}}}
            """, Ask("How many things are there?", image)));
        Assert.InRange(JsonDocument.Parse(
            json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!).RootElement.GetProperty("n")
            .GetInt32(), 0, 9);
        var (_, called, _) = await server.ChatAsync(RunningServer.ChatBody("""
            "max_tokens":400,"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{"closer":{"type":"boolean"}},"required":["closer"],"additionalProperties":false}}}],"tool_choice":"required"
            """));
        Assert.Equal("tool_calls", called.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal("look", called.GetProperty("choices")[0].GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function")
            .GetProperty("name").GetString());

        // The caller's errors, by the real decoder and the real context.
        byte[] broken = [.. TinyPng.Bytes[..60], .. new byte[20]];
        var (bad, error, _) = await server.ChatAsync(RunningServer.ChatBody(content: $"[{RunningServer.ImagePart(broken)}]"));
        Assert.Equal((400, "invalid_image"), ((int)bad, error.GetProperty("error").GetProperty("code").GetString()));
        var (large, context, _) =
            await server.ChatAsync(RunningServer.ChatBody(content: $"\"{string.Concat(Enumerable.Repeat("circle ", 20_000))}\""));
        Assert.Equal((400, "context_length_exceeded"), ((int)large, context.GetProperty("error").GetProperty("code").GetString()));
        var limit = JsonDocument.Parse(await server.Http.GetStringAsync("v1/models/demo-llava")).RootElement.GetProperty("d2pruner")
            .GetProperty("context").GetInt32();
        Assert.Contains(limit.ToString(System.Globalization.CultureInfo.InvariantCulture),
            context.GetProperty("error").GetProperty("message").GetString());
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody("\"max_tokens\":1"))).Status);
    }

    [Fact]
    public async Task PrefixLookups_AreTheEngines()
    {
        await using var server = await RunningServer.StartAsync(
            services => services.AddD2PrunerChatClient(Repository.DemoModel, o => o.PrefixReuse = PrefixReuse.Off));
        Assert.Equal(0, await QueriesAsync());
        await server.ChatAsync(RunningServer.ChatBody("\"max_tokens\":1"));
        Assert.Equal(0, await QueriesAsync());
        var (_, json, _) = await server.ChatAsync(RunningServer.ChatBody("\"max_tokens\":1,\"pruning\":{\"reuse\":\"exact\"}"));
        Assert.Equal(json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), await QueriesAsync());

        async Task<double> QueriesAsync() =>
            MetricsTests.Value(await server.Http.GetStringAsync("metrics"), "d2pruner_prefix_cache_queries_total", "demo-llava");
    }
}
