using System.Text.Json;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

public sealed class JsonResponseTests
{
    private static readonly byte[] Png = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0];

    private sealed record Found(string Label, double X1, double Y1, double X2, double Y2);

    private sealed record Boxes(Found[] Items);

    private static ChatOptions Schema(string json) =>
        new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonDocument.Parse(json).RootElement.Clone()) };

    [Fact]
    public async Task Schema_BecomesAGrammar_AndIsDescribedInTheLastQuestion()
    {
        var engine = new ScriptedEngine { Pieces = ["{\"a\": 1}"] };
        using var client = new D2PrunerChatClient(engine);
        var schema = "{\n \"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\", \"description\": \"größe\"}}}";
        await client.GetResponseAsync(
            [new(ChatRole.User, "How big?"), new(ChatRole.Assistant, "What?"), new(ChatRole.User, "This.")], Schema(schema));
        Assert.NotNull(engine.Last.Generation.Grammar);
        Assert.Equal("How big?", engine.Last.Turns[0].Text);
        Assert.Equal(
            "This.\n\nAnswer with JSON only, without any other text, that follows this JSON " +
                "schema:\n{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"description\":\"größe\"}}}",
            engine.Last.Turns[2].Text);

        using var silent = new D2PrunerChatClient(engine, new D2PrunerChatClientOptions { DescribeResponseFormat = false });
        await silent.GetResponseAsync("This.", Schema(schema));
        Assert.Equal("This.", engine.Last.Turns[0].Text);
        Assert.NotNull(engine.Last.Generation.Grammar);
        await client.GetResponseAsync("This.", new ChatOptions { ResponseFormat = ChatResponseFormat.Text });
        Assert.Null(engine.Last.Generation.Grammar);
        await client.GetResponseAsync("This.", new ChatOptions { ResponseFormat = ChatResponseFormat.Json });
        Assert.NotNull(engine.Last.Generation.Grammar);
    }

    [Fact]
    public async Task OutsideTheSubset_IsOneLogLine_OrRefusedInStrictMode()
    {
        const string Json = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"pattern\":\"x+\"},\"b\":{\"type\":\"array\",\"uniqueItems\":true}}}";
        var log = new CollectingLogger();
        using var client = new D2PrunerChatClient(new ScriptedEngine { Pieces = ["{}"] }, loggerFactory: log);
        await client.GetResponseAsync("q", Schema(Json));
        var line = Assert.Single(log.Lines, l => l.StartsWith("Warning", StringComparison.Ordinal));
        Assert.Contains("'pattern' at #/properties/a; 'uniqueItems' at #/properties/b", line);

        using var strict = new D2PrunerChatClient(new ScriptedEngine(), new D2PrunerChatClientOptions { StrictOptions = true });
        var e = Assert.Throws<NotSupportedException>(() => { strict.GetStreamingResponseAsync("q", Schema(Json)); });
        Assert.Contains("'pattern' at #/properties/a", e.Message);
        Assert.Throws<ArgumentException>(() => { client.GetStreamingResponseAsync("q", Schema("{\"type\":\"nothing\"}")); });
    }

    [Fact]
    public async Task TypedResponse_AndItsGroundings_FromEdges()
    {
        var engine = new ScriptedEngine { Pieces = [
            "{\"items\": [{\"label\": \"cat\", \"x1\": 0.25, \"y1\": 0.5, \"x2\": 0.5,", " \"y2\": 0.75}]}"] };
        using var client = new D2PrunerChatClient(engine);
        var response = await client.GetResponseAsync<Boxes>(
            [new(ChatRole.User, [new DataContent(Png, "image/png"), new TextContent("Where is the cat?")])]);
        Assert.Equal(new Found("cat", 0.25, 0.5, 0.5, 0.75), Assert.Single(response.Result.Items));
        var region = Assert.Single(response.GetGroundings());
        Assert.Equal("cat", region.Label);
        // The scripted picture is 200x100, padded to a square: y runs over twice its height.
        Assert.Equal(new BoundingBox(0.25f, 0.5f, 0.5f, 1f), region.Box);
        Assert.Equal(PruningPreset.Localization, response.GetPruningReport()!.Preset);
        // Native schema: MEAI adds no schema text, this client does.
        Assert.Contains("\"x1\"", engine.Last.Turns[^1].Text);
    }

    [Theory]
    [InlineData("[{\"label\": \"a\", \"bbox_2d\": [0.1, 0.4, 0.3, 0.5]}, {\"label\": \"b\", \"bbox_2d\": [0.1, 0.2, 0.3, 0.4]}]", "a", "b")]
    [InlineData("{\"name\": \"a\", \"boxes\": [[0.1, 0.4, 0.3, 0.5], [0.5, 0.6, 0.7, 0.8]]}", "a", "a")]
    [InlineData("{\"objects\": [{\"class\": \"a\", \"bounding_box\": {\"left\": 0.1, \"top\": 0.2, \"right\": 0.3, \"bottom\": " +
        "0.4}}, {\"class\": \"b\", \"box\": {\"x\": 0.1, \"y\": 0.2, \"width\": 0.3, \"height\": 0.4}}]}", "a", "b")]
    public async Task Groundings_OfEveryShape(string answer, params string[] labels)
    {
        using var client = new D2PrunerChatClient(
            new ScriptedEngine { Pieces = [answer] }, new D2PrunerChatClientOptions { ParseGroundings = true });
        var response = await client.GetResponseAsync(
            [new(ChatRole.User, [new DataContent(Png, "image/png"), new TextContent("?")])],
                new ChatOptions { ResponseFormat = ChatResponseFormat.Json });
        Assert.Equal(labels, response.GetGroundings().Select(r => r.Label));
        var again = JsonSerializer.Deserialize<ChatResponse>(
            JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;
        Assert.Equal(labels, again.GetGroundings().Select(r => r.Label));
    }

    [Fact]
    public async Task NotBoxes_AreNoGroundings()
    {
        using var client = new D2PrunerChatClient(
            new ScriptedEngine { Pieces = ["{\"sizes\": [1, 2, 3], \"box\": [1, 2], \"boxes\": [[9, 9, 1, 1]], \"x1\": \"1\"}"] },
            new D2PrunerChatClientOptions { ParseGroundings = true });
        var response = await client.GetResponseAsync(
            [new(ChatRole.User, [new DataContent(Png, "image/png"), new TextContent("?")])],
                new ChatOptions { ResponseFormat = ChatResponseFormat.Json });
        Assert.Empty(response.GetGroundings());
    }
}
