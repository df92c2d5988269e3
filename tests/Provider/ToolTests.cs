using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.Qwen25VL;
using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Text;
using Microsoft.Extensions.AI;
using Xunit;
using ChatTool = D2Pruner.AI.Runtime.ChatTool;

namespace D2Pruner.AI.Tests.Provider;

public sealed class ToolTests
{
    private static readonly byte[] Png = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0];

    private static readonly AIFunction Locate =
        AIFunctionFactory.Create((string what, int limit = 1) => $"{limit} x {what}", "locate", "Find things.");

    private static ChatOptions With(ChatToolMode? mode = null, params AITool[] tools) =>
        new() { Tools = tools.Length == 0 ? [Locate] : [.. tools], ToolMode = mode };

    private const string Answer = "Wait.\n<tool_call>\n{\"name\": \"locate\", \"arguments\": {\"what\": \"dog\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"locate\", \"arguments\": {\"what\": \"cat\"}}\n</tool_call>";

    [Fact]
    public async Task Calls_AreStreamedWhole_WithoutMarkup_AndEndWithToolCalls()
    {
        var engine = new ToolScript(true, Answer);
        using var client = new D2PrunerChatClient(engine);
        var updates = await client.GetStreamingResponseAsync("Where?", With()).ToListAsync();
        Assert.DoesNotContain(updates, u => u.Text.Contains('<'));
        Assert.Equal(2, updates.SelectMany(u => u.Contents).OfType<FunctionCallContent>().Select(c => c.CallId).Distinct().Count());
        Assert.Equal("Wait.", string.Concat(updates.Select(u => u.Text)));
        Assert.Equal(ChatFinishReason.ToolCalls, updates[^1].FinishReason);
        Assert.Single(updates.Select(u => u.MessageId).Distinct());
        var request = Assert.Single(engine.Requests);
        Assert.Equal("locate", Assert.Single(request.Tools).Name);
        Assert.NotNull(request.Generation.Grammar);
    }

    [Fact]
    public async Task CutOff_IsLength_AndTheHalfCallIsTextAndLogged()
    {
        var log = new CollectingLogger();
        using var client = new D2PrunerChatClient(
            new ToolScript(true, Answer[..^30]) { FinishReason = GenerationFinishReason.Length }, loggerFactory: log);
        var response = await client.GetResponseAsync("Where?", With());
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Contains("cat", response.Text);
        Assert.Single(log.Lines, l => l.Contains("tool call", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FunctionInvocation_OverAScript_CompletesTwoSteps_WithAnImageAsResult()
    {
        var crop = AIFunctionFactory.Create(
            (string what) => new List<AIContent> { new TextContent($"Here is the {what}:"), new DataContent(Png, "image/png") }, "crop");
        var engine = new ToolScript(
            true, "<tool_call>\n{\"name\": \"crop\", \"arguments\": {\"what\": \"dog\"}}\n</tool_call>", "A brown dog.");
        using var client = new D2PrunerChatClient(engine).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync(
            [new ChatMessage(ChatRole.User, [new DataContent(Png, "image/png"), new TextContent("Which colour?")])], With(null, crop));
        Assert.Equal("A brown dog.", response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(2, engine.Requests.Count);

        // The prompt of the second step, as the model reads it.
        var prompt = new QwenTemplate().Render(engine.Requests[1].Turns, engine.Requests[1].Tools);
        Assert.EndsWith(
            "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Which colour?<|im_end|>\n"
            + "<|im_start|>assistant\n<tool_call>\n{\"name\": \"crop\", \"arguments\": {\"what\": \"dog\"}}\n</tool_call><|im_end|>\n"
            + "<|im_start|>user\n<tool_response>\nHere is the " +
            "dog:<|vision_start|><|image_pad|><|vision_end|>\n</tool_response><|im_end|>\n<|im_start|>assistant\n",
            prompt);
        Assert.Equal(2, engine.Requests[1].Turns.Sum(t => t.Parts.Count(p => p is ImagePart)));

        // The same, streamed.
        var again = new ToolScript(
            true, "Hm.\n<tool_call>\n{\"name\": \"crop\", \"arguments\": {\"what\": \"dog\"}}\n</tool_call>", "A brown dog.");
        using var streaming = new D2PrunerChatClient(again).AsBuilder().UseFunctionInvocation().Build();
        var streamed = await streaming.GetStreamingResponseAsync("Which colour?", With(null, crop)).ToChatResponseAsync();
        Assert.Equal(["Hm.", "", "A brown dog."], streamed.Messages.Select(m => m.Text));
        Assert.Equal(2, again.Requests.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FunctionCalls_AreLogged(bool streaming)
    {
        var log = new CollectingLogger();
        var engine = new ToolScript(true, "<tool_call>\n{\"name\": \"locate\", \"arguments\": {\"what\": \"dog\"}}\n</tool_call>", "Done.");
        using var client = new D2PrunerChatClient(engine).AsBuilder().UseFunctionInvocation(log).Build();
        var response = streaming ? await client.GetStreamingResponseAsync("Where?", With()).ToChatResponseAsync()
            : await client.GetResponseAsync("Where?", With());
        Assert.Equal("Done.", response.Messages[^1].Text);
        Assert.Contains(log.Lines, l => l.Contains("Invoking locate", StringComparison.Ordinal));
        Assert.Contains(log.Lines, l => l.Contains("locate invocation completed", StringComparison.Ordinal));
    }

    /// <summary>The goldens, from chat messages on: what the mapping gives the template is what the reference was given.</summary>
    [Fact]
    [Trait("Category", "Conformance")]
    public async Task Templates_FromChatMessages_EqualTheGoldens()
    {
        var folder = FixtureFolders.Find(FixtureKind.Templates).First();
        var cases = JsonDocument.Parse(File.ReadAllText(Directory.GetFiles(folder, "*.json").Single())).RootElement.GetProperty("cases");
        Assert.True(cases.GetArrayLength() >= 5);
        foreach (var c in cases.EnumerateArray())
        {
            var engine = new ToolScript(true, "ok");
            using var client = new D2PrunerChatClient(engine);
            var tools = c.GetProperty("tools").ValueKind == JsonValueKind.Null
                ? []
                : c.GetProperty("tools").EnumerateArray().Select(t => (AITool)AIFunctionFactory.CreateDeclaration(
                    t.GetProperty("function").GetProperty("name").GetString()!,
                        t.GetProperty("function").GetProperty("description").GetString(),
                        t.GetProperty("function").GetProperty("parameters"))).ToList();
            await client.GetResponseAsync(
                c.GetProperty("messages").EnumerateArray().Select(Message), new ChatOptions { Tools = tools.Count == 0 ? null : tools });
            Assert.Equal(c.GetProperty("prompt").GetString(),
                new QwenTemplate().Render(engine.Requests[0].Turns, engine.Requests[0].Tools));
        }
    }

    private static ChatMessage Message(JsonElement m)
    {
        var contents = new List<AIContent>();
        var role = new ChatRole(m.GetProperty("role").GetString()!);
        var content = m.GetProperty("content");
        foreach (var item in content.ValueKind == JsonValueKind.Array ? content.EnumerateArray().ToArray() : [])
            contents.Add(item.GetProperty("type").GetString() == "image" ? new DataContent(Png, "image/png")
                : new TextContent(item.GetProperty("text").GetString()));
        if (role == ChatRole.Tool) return new ChatMessage(role, [new FunctionResultContent("id", contents)]);
        if (m.TryGetProperty("tool_calls", out var calls))
        {
            contents.AddRange(calls.EnumerateArray()
                .Select(call => new FunctionCallContent("id", call.GetProperty("function").GetProperty("name").GetString()!,
                call.GetProperty("function").GetProperty("arguments").EnumerateObject().ToDictionary(p => p.Name, p => (object?)p.Value))));
        }

        return new ChatMessage(role, contents);
    }

    [Fact]
    public async Task Results_OfEveryKind_AreReadable()
    {
        var engine = new ToolScript(true, "ok");
        using var client = new D2PrunerChatClient(engine);
        object?[] results = ["plain", 7, null, JsonDocument.Parse("\"text\"").RootElement, new Dictionary<string, object?> { ["a"] = "ü" },
            new TextContent("t"), true];
        await client.GetResponseAsync(
        [
            new(ChatRole.User, "Go"), new(ChatRole.Assistant, [.. results.Select((_, i) => new FunctionCallContent($"{i}", "locate"))]),
            new(ChatRole.Tool, [.. results.Select((r, i) => new FunctionResultContent($"{i}", r))]),
        ]);
        Assert.Equal(["plain", "7", "null", "text", "{\"a\":\"ü\"}", "t", "true"],
            engine.Requests[0].Turns.Where(t => t.Role == "tool").Select(t => t.Text));
    }

    [Fact]
    public async Task None_OffersNoTools_AndForbidsCalls()
    {
        var engine = new ToolScript(true, "text");
        using var client = new D2PrunerChatClient(engine);
        await client.GetResponseAsync("Where?", With(ChatToolMode.None));
        Assert.Empty(engine.Requests[0].Tools);
        Assert.NotNull(engine.Requests[0].Generation.Grammar);
    }

    [Fact]
    public async Task FamiliesWithoutTools_SaySo()
    {
        var log = new CollectingLogger();
        var engine = new ToolScript(false, "text");
        using var client = new D2PrunerChatClient(engine, loggerFactory: log);
        Assert.Equal("text", (await client.GetResponseAsync("Where?", With())).Text);
        Assert.Single(log.Lines, l => l.Contains("Tools", StringComparison.Ordinal));
        Assert.Empty(engine.Requests[0].Tools);
        Assert.Null(engine.Requests[0].Generation.Grammar);
        var e = await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync("Where?", With(ChatToolMode.RequireAny)));
        Assert.Contains("llava", e.Message);
        await Assert.ThrowsAsync<NotSupportedException>(
            () => client.GetResponseAsync([new(ChatRole.User, "q"), new(ChatRole.Assistant, [new FunctionCallContent("1", "locate")])]));

        using var strict = new D2PrunerChatClient(engine, new D2PrunerChatClientOptions { StrictOptions = true });
        await Assert.ThrowsAsync<NotSupportedException>(() => strict.GetResponseAsync("Where?", With()));
    }

    [Fact]
    public async Task Convention_WritesToolsCallsAndResultsAsText_AndReadsCalls()
    {
        var engine = new ToolScript(false, Answer, "Two.");
        using var client = new D2PrunerChatClient(engine, new D2PrunerChatClientOptions { ToolConvention = ToolConvention.Json })
            .AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync(
            [new(ChatRole.System, "Be brief."), new(ChatRole.User, [new DataContent(Png, "image/png"), new TextContent("Where?")])],
            With(ChatToolMode.RequireAny));
        Assert.EndsWith("Two.", response.Text);
        var turns = engine.Requests[1].Turns;
        Assert.Empty(engine.Requests[1].Tools);
        Assert.Equal(["system", "user", "assistant", "user"], turns.Select(t => t.Role));
        Assert.StartsWith("Be brief.\n\nYou may call functions", turns[0].Text);
        Assert.Contains("{\"name\": \"locate\", \"description\": \"Find things.\", \"parameters\": {", turns[0].Text);
        Assert.Equal("Wait.\n<tool_call>\n{\"name\": \"locate\", \"arguments\": {\"what\":\"dog\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"locate\", \"arguments\": {\"what\":\"cat\"}}\n</tool_call>", turns[2].Text);
        Assert.Equal("<tool_response>\n1 x dog\n</tool_response>\n<tool_response>\n1 x cat\n</tool_response>", turns[3].Text);
        // Any template takes them.
        Assert.Contains("<tool_response>", new LlavaTemplate().Render(turns));
    }

    [Fact]
    public async Task ImpossibleRequests_AreRefusedByTheCallItself()
    {
        using var client = new D2PrunerChatClient(new ToolScript(true, "x"));
        var e = await Assert.ThrowsAsync<ArgumentException>(
            () => client.GetResponseAsync("q", With(ChatToolMode.RequireSpecific("other"))));
        Assert.Contains("'other'", e.Message);
        Assert.Contains("'locate'", e.Message);
        await Assert.ThrowsAsync<ArgumentException>(
            () => client.GetResponseAsync("q", new ChatOptions { ToolMode = ChatToolMode.RequireAny }));
        await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync("q", With(null, Locate, Locate)));
    }
}
