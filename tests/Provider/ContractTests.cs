using System.Text.Json;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Corners of the chat client's contract.</summary>
public sealed class ContractTests
{
    private sealed class Settable
    {
        public string Title { get; set; } = "";

        public int Count { get; set; }

        public string? Note { get; set; }

        public TimeSpan Length { get; set; }

        public List<Settable> Parts { get; set; } = [];

        public Inner Inside { get; set; } = new() { Name = "" };

        public Settable? Next { get; set; }
    }

    private sealed class Inner
    {
        public required string Name { get; set; }

        public bool Seen { get; set; }
    }

    private static ChatResponseFormatJson Typed<T>() => ChatResponseFormat.ForJsonSchema<T>(AIJsonUtilities.DefaultOptions);

    private static string[] Required(JsonElement schema) =>
        [.. schema.GetProperty("required").EnumerateArray().Select(e => e.GetString()!)];

    [Fact]
    public async Task TypedResponses_RequireWhatCannotBeNull()
    {
        var engine = new ScriptedEngine { Pieces = ["{}"] };
        using var client = new D2PrunerChatClient(engine);
        await client.GetResponseAsync<Settable>("Describe it.");
        var written = engine.Last.Turns[^1].Text.Split('\n')[^1];
        var schema = JsonDocument.Parse(written).RootElement;
        Assert.Equal(["count", "inside", "length", "parts", "title"], Required(schema).Order());
        Assert.Equal(["name", "seen"], Required(schema.GetProperty("properties").GetProperty("inside")).Order());
    }

    [Fact]
    public void SchemasByHand_SayWhatTheyMean()
    {
        const string Json = """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["b"]}""";
        var format = (ChatResponseFormatJson)ChatResponseFormat.ForJsonSchema(JsonDocument.Parse(Json).RootElement.Clone(), "mine");
        Assert.Equal(Json, TypedSchema.Close(format).GetRawText());
    }

    [Fact]
    public void ATypeThatHoldsItself_StaysPossible()
    {
        const string Json = """{"$schema":"s","type":"object","properties":{"name":{"type":"string"},"next":{"$ref":"#"},"all":{"type":"array","items":{"$ref":"#"}}}}""";
        var format = (ChatResponseFormatJson)ChatResponseFormat.ForJsonSchema(JsonDocument.Parse(Json).RootElement.Clone(), "Node");
        Assert.Equal(["name", "all"], Required(TypedSchema.Close(format)));
    }

    [Fact]
    public async Task Annotations_OfOthers_AreSilent()
    {
        var log = new CollectingLogger();
        var schema = JsonDocument.Parse(
            """{"type":"object","condition":"","properties":{"a":{"type":"integer","unit":"cm"}}}""").RootElement.Clone();
        var options = new ChatOptions
        {
            ResponseFormat = ChatResponseFormat.ForJsonSchema(schema),
            Tools = [AIFunctionFactory.CreateDeclaration(
                "now", "The time.", JsonDocument.Parse("""{"type":"object","condition":"","properties":{}}""").RootElement.Clone())],
        };
        using var client = new D2PrunerChatClient(
            new ToolScript(true, "{\"a\": 1}"), new D2PrunerChatClientOptions { StrictOptions = true }, loggerFactory: log);
        await client.GetResponseAsync("q", options);
        Assert.DoesNotContain(log.Lines, l => l.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TheDeveloper_SpeaksAsTheSystem()
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(engine);
        await client.GetResponseAsync(
            [new(new ChatRole("developer"), "Be brief."), new(ChatRole.User, "q")], new ChatOptions { Instructions = "Be kind." });
        Assert.Equal(["system", "user"], engine.Last.Turns.Select(t => t.Role));
        Assert.Equal("Be kind.\n\nBe brief.", engine.Last.Turns[0].Text);
    }

    [Fact]
    public async Task UnderNone_APictureWithABudgetOfItsOwn_IsPruned_AndNoOther()
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(engine, new D2PrunerChatClientOptions { Preset = PruningPreset.None });
        var (small, whole) = (new DataContent(TinyPng.Bytes, "image/png").KeepVisualTokens(0.5),
            new DataContent(TinyPng.Bytes, "image/png"));
        var response = await client.GetResponseAsync([new ChatMessage(ChatRole.User, [small, whole, new TextContent("q")])]);
        Assert.Equal(TokenBudget.OfRatio(1), engine.Last.Pruning!.Budget);
        Assert.Equal([0.5, null], engine.Last.Turns[0].Parts.OfType<ImagePart>().Select(i => i.KeepRatio));
        Assert.Equal(PruningPreset.None, response.GetPruningReport()!.Preset);
        Assert.Contains("of their own", response.GetPruningReport()!.PresetReason, StringComparison.Ordinal);
        await client.GetResponseAsync([new ChatMessage(ChatRole.User, [whole, new TextContent("q")])]);
        Assert.Null(engine.Last.Pruning);
    }

    [Fact]
    public async Task Cancellation_CarriesTheCallersToken()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine { Delay = TimeSpan.FromSeconds(30) });
        using var source = new CancellationTokenSource(50);
        var whole = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => client.GetResponseAsync("q", cancellationToken: source.Token));
        Assert.Equal(source.Token, whole.CancellationToken);
        using var other = new CancellationTokenSource(50);
        var streamed = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in client.GetStreamingResponseAsync("q").WithCancellation(other.Token))
            {
            }
        });
        Assert.Equal(other.Token, streamed.CancellationToken);
    }

    [Fact]
    public async Task TheReport_IsShort_ReadsBack_AndSaysWhatHappened()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        var response = await client.GetResponseAsync(
            [new ChatMessage(ChatRole.User, [new DataContent(TinyPng.Bytes, "image/png"), new TextContent("q")])]);
        var report = response.GetPruningReport()!;
        var lines = report.ToString().Split(Environment.NewLine);
        Assert.StartsWith("Understanding (client)", lines[0], StringComparison.Ordinal);
        Assert.Contains("2 of 4 visual tokens kept", lines[1], StringComparison.Ordinal);
        Assert.Contains("image 0 (200x100, grid 2x2): 2 of 4", lines[^1], StringComparison.Ordinal);

        // What stays in the conversation: the answer and at most two kilobytes, whatever the number of tokens.
        var stays = JsonSerializer.Serialize(response.Messages[0], AIJsonUtilities.DefaultOptions);
        Assert.InRange(stays.Length, 100, 2000);
        Assert.Equal([1, 2], JsonSerializer.Deserialize<ChatMessage>(
            stays, AIJsonUtilities.DefaultOptions)!.GetPruningReport()!.Images[0].Kept);
        var many = new PrunedImageReport { VisualTokens = 2880, Kept = [.. Enumerable.Range(0, 2880).Where(i => i % 3 == 1)] };
        var json = JsonSerializer.Serialize(many);
        Assert.InRange(json.Length, 100, 900);
        Assert.Equal(many.Kept, JsonSerializer.Deserialize<PrunedImageReport>(json)!.Kept);
        Assert.Equal([3, 5], JsonSerializer.Deserialize<PrunedImageReport>("{\"Kept\":[3,5]}")!.Kept);
        Assert.Empty(JsonSerializer.Deserialize<PrunedImageReport>(JsonSerializer.Serialize(new PrunedImageReport()))!.Kept);
    }

    [Fact]
    public async Task WhatCannotBeWrittenAsJson_IsTheRequestsFault()
    {
        using var client = new D2PrunerChatClient(new ToolScript(true, "fine"));
        var deep = JsonDocument.Parse(
            new string('[', 1500) + new string(']', 1500), new JsonDocumentOptions { MaxDepth = 2000 }).RootElement;
        object? cycle = null;
        var list = new List<object?>();
        cycle = list;
        list.Add(cycle);
        foreach (var result in new object?[] { deep, cycle, default(JsonElement), new List<object> { typeof(string) } })
        {
            var messages = new ChatMessage[]
            {
                new(ChatRole.User, "q"), new(ChatRole.Assistant, [new FunctionCallContent("1", "f")]),
                    new(ChatRole.Tool, [new FunctionResultContent("1", result)]),
            };
            var e = await Assert.ThrowsAnyAsync<Exception>(() => client.GetResponseAsync(messages));
            Assert.Contains(e.GetVisionErrorKind(), new VisionErrorKind?[] { VisionErrorKind.InvalidRequest, VisionErrorKind.Unsupported });
        }
    }
}
