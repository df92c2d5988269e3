using System.Text.Json;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>One test for each row of docs/options.md.</summary>
public sealed class OptionsTableTests
{
    private readonly ScriptedEngine _engine = new();
    private readonly CollectingLogger _log = new();

    private static ChatMessage Question(string text = "What is this?") =>
        new(ChatRole.User, [new DataContent(TinyPng.Bytes, "image/png"), new TextContent(text)]);

    private async Task<VisionRequest> Ask(ChatOptions options, bool strict = false)
    {
        using var client = new D2PrunerChatClient(_engine, new D2PrunerChatClientOptions { StrictOptions = strict }, loggerFactory: _log);
        await client.GetResponseAsync([Question()], options);
        return _engine.Last;
    }

    private int Ignored(string name) =>
        _log.Lines.Count(l => l.StartsWith("Warning", StringComparison.Ordinal) && l.Contains($"Ignored {name}", StringComparison.Ordinal));

    [Fact]
    public async Task RawRepresentationFactory_OfOurType_WinsOverTheRest()
    {
        var request = await Ask(new ChatOptions { Temperature = 0.5f, MaxOutputTokens = 9,
            RawRepresentationFactory = _ => new VisionGenerationSettings { Temperature = 0.25, Preset = PruningPreset.None } });
        Assert.Equal((0.25, 9), (request.Generation.Temperature, request.Generation.MaxNewTokens));
        Assert.Null(request.Pruning);
    }

    [Fact]
    public async Task RawRepresentationFactory_OfAnotherType_IsIgnored() =>
        Assert.Equal(0.5, (await Ask(
            new ChatOptions { Temperature = 0.5f, RawRepresentationFactory = _ => "something else" })).Generation.Temperature);

    [Fact]
    public async Task AdditionalProperties_OwnKeysAreRead_ForeignOnesPassed_MisspeltOnesRefused()
    {
        var request = await Ask(new ChatOptions { AdditionalProperties = new() { ["d2pruner.keep_tokens"] = "2",
            ["d2pruner.preset"] = "localization", ["somebody.else"] = new object() } });
        Assert.Equal((2, 5), (request.Pruning!.Budget.Tokens, request.Pruning.LayersBeforePruning));
        var e = await Assert.ThrowsAsync<ArgumentException>(
            () => Ask(new ChatOptions { AdditionalProperties = new() { ["d2pruner.keep_ration"] = 0.5 } }));
        Assert.Contains("d2pruner.keep_ratio", e.Message);
    }

    /// <summary>Values of the caller's that cannot even be described: JSON with half of a surrogate pair, objects that throw.</summary>
    [Fact]
    public async Task AdditionalProperties_ThatCannotBeRead_AreTheRequestsFault()
    {
        var half = JsonDocument.Parse("""{"a":"\udfff","b":["\ud800"]}""").RootElement;
        foreach (var value in new object[] { half.GetProperty("a"), half.GetProperty("b"), half,
            System.Text.Json.Nodes.JsonNode.Parse("""["\udfff"]""")!, new Mute(), new string('x', 100_000) })
        {
            foreach (var key in new[] { D2PrunerKeys.Preset, D2PrunerKeys.KeepRatio })
            {
                var e = await Assert.ThrowsAsync<ArgumentException>(
                    () => Ask(new ChatOptions { AdditionalProperties = new() { [key] = value } }));
                Assert.Contains(key, e.Message);
                Assert.True(e.Message.Length < 1000);
            }
        }

        var format = ChatResponseFormat.ForJsonSchema(JsonDocument.Parse("""{"\udfff":1,"$schema":"x"}""").RootElement, "Name");
        Assert.Contains("surrogate",
            (await Assert.ThrowsAsync<ArgumentException>(() => Ask(new ChatOptions { ResponseFormat = format }))).Message);
    }

    [Fact]
    public async Task Instructions_ArePutBeforeTheSystemText()
    {
        using var client = new D2PrunerChatClient(_engine);
        await client.GetResponseAsync(
            [new ChatMessage(ChatRole.System, "Be kind."), Question()], new ChatOptions { Instructions = "Be brief." });
        Assert.Equal("Be brief.\n\nBe kind.", _engine.Last.Turns[0].Text);
        Assert.Single(_engine.Last.Turns, t => t.Role == "system");
    }

    [Fact]
    public async Task ModelId_OfTheModelPasses_AnotherIsRefused()
    {
        await Ask(new ChatOptions { ModelId = "SCRIPTED-7B" });
        Assert.Contains("gpt", (await Assert.ThrowsAsync<ModelMismatchException>(() => Ask(new ChatOptions { ModelId = "gpt" }))).Message);
    }

    [Fact]
    public async Task Temperature_ZeroIsGreedy_NegativeIsRefused()
    {
        Assert.Equal(0, (await Ask(new ChatOptions { Temperature = 0 })).Generation.Temperature);
        Assert.Null((await Ask(new ChatOptions())).Generation.Temperature);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ask(new ChatOptions { Temperature = -1 }));
    }

    [Fact]
    public async Task TopP_AloneAsksForSampling()
    {
        var g = (await Ask(new ChatOptions { TopP = 0.5f })).Generation;
        Assert.Equal((1.0, 0.5), (g.Temperature, g.TopP));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ask(new ChatOptions { TopP = 1.5f }));
    }

    [Fact]
    public async Task TopK_AloneAsksForSampling()
    {
        var g = (await Ask(new ChatOptions { TopK = 3 })).Generation;
        Assert.Equal((1.0, 3), (g.Temperature, g.TopK));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ask(new ChatOptions { TopK = 0 }));
    }

    [Fact]
    public async Task Seed_KeepsAll64Bits() =>
        Assert.Equal(long.MaxValue - 1, (await Ask(new ChatOptions { Seed = long.MaxValue - 1 })).Generation.Seed);

    [Fact]
    public async Task MaxOutputTokens_HasADocumentedDefault()
    {
        Assert.Equal(7, (await Ask(new ChatOptions { MaxOutputTokens = 7 })).Generation.MaxNewTokens);
        Assert.Equal(512, (await Ask(new ChatOptions())).Generation.MaxNewTokens);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ask(new ChatOptions { MaxOutputTokens = 0 }));
    }

    [Fact]
    public async Task StopSequences_AreHanded_AndTheCallersListIsNotTouched()
    {
        List<string> stops = ["END", ""];
        Assert.Equal(["END"], (await Ask(new ChatOptions { StopSequences = stops })).Generation.StopSequences);
        Assert.Equal(2, stops.Count);
    }

    [Fact]
    public async Task Penalties_KeepTheirMeaning()
    {
        var g = (await Ask(new ChatOptions { FrequencyPenalty = 0.5f, PresencePenalty = -0.25f,
            AdditionalProperties = new() { ["d2pruner.repetition_penalty"] = 1.5 } })).Generation;
        Assert.Equal((0.5, -0.25, 1.5), (g.FrequencyPenalty, g.PresencePenalty, g.RepetitionPenalty));
    }

    [Fact]
    public async Task ResponseFormat_JsonConstrains_TextDoesNot()
    {
        Assert.NotNull((await Ask(new ChatOptions { ResponseFormat = ChatResponseFormat.Json })).Generation.Grammar);
        Assert.Null((await Ask(new ChatOptions { ResponseFormat = ChatResponseFormat.Text })).Generation.Grammar);
    }

    [Fact]
    public async Task Tools_WhereTheFamilyHasNone_AreIgnoredWithOneLine_RequiredOnesRefused()
    {
        var tool = AIFunctionFactory.Create(() => 1, "one");
        await Ask(new ChatOptions { Tools = [tool] });
        Assert.Equal(1, Ignored("Tools"));
        await Assert.ThrowsAsync<NotSupportedException>(() => Ask(new ChatOptions { Tools = [tool], ToolMode = ChatToolMode.RequireAny }));
        await Assert.ThrowsAsync<NotSupportedException>(() => Ask(new ChatOptions { Tools = [tool] }, strict: true));
    }

    [Fact]
    public async Task ToolMode_None_OffersNothing()
    {
        Assert.Empty((await Ask(new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")],
            ToolMode = ChatToolMode.None })).Tools);
        Assert.Equal(0, Ignored("Tools"));
    }

    [Fact]
    public async Task AllowMultipleToolCalls_WithoutTools_ChangesNothing()
    {
        await Ask(new ChatOptions { AllowMultipleToolCalls = true });
        Assert.DoesNotContain(_log.Lines, l => l.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ConversationId_IsIgnoredWithOneLine_RefusedWhenStrict_NeverReturned()
    {
        await Ask(new ChatOptions { ConversationId = "c" });
        Assert.Equal(1, Ignored("ConversationId"));
        await Assert.ThrowsAsync<NotSupportedException>(() => Ask(new ChatOptions { ConversationId = "c" }, strict: true));
        using var client = new D2PrunerChatClient(_engine);
        Assert.Null((await client.GetResponseAsync([Question()], new ChatOptions { ConversationId = "c" })).ConversationId);
    }

#pragma warning disable MEAI001 // Experimental fields are read, not exposed.
    [Fact]
    public async Task ContinuationToken_IsRefused() =>
        await Assert.ThrowsAsync<NotSupportedException>(
            () => Ask(new ChatOptions { ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 }) }));

    [Fact]
    public async Task AllowBackgroundResponses_IsIgnored()
    {
        await Ask(new ChatOptions { AllowBackgroundResponses = true });
        Assert.Single(_engine.Requests);
    }
#pragma warning restore MEAI001

    [Fact]
    public async Task Reasoning_IsIgnored()
    {
        await Ask(new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High } });
        Assert.Single(_engine.Requests);
    }

    [Fact]
    public void EveryFieldOfChatOptions_HasARowInTheDocument()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "options.md"));
        foreach (var property in typeof(ChatOptions).GetProperties()) Assert.Contains($"`{property.Name}`", document);
        foreach (var key in D2PrunerKeys.Request) Assert.Contains($"`{key}`", document);
    }

    private sealed class Mute
    {
        public override string ToString() => throw new InvalidOperationException("no words");
    }
}
