using System.Text.Json;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

public sealed class ChatClientTests
{
    private static readonly byte[] Png = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0];

    private static ChatMessage Question(string text = "What is this?", int images = 1) =>
        new(ChatRole.User, [.. Enumerable.Range(0, images).Select(_ => (AIContent)new DataContent(Png, "image/png")),
            new TextContent(text)]);

    [Fact]
    public async Task Streaming_HasOneIdentity_OneUsage_AndAFinishReason()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        var updates = await client.GetStreamingResponseAsync([Question()]).ToListAsync();
        Assert.True(updates.Count > 3);
        Assert.Single(updates.Select(u => (u.ResponseId, u.MessageId, u.Role, u.ModelId, u.CreatedAt)).Distinct());
        Assert.False(string.IsNullOrEmpty(updates[0].MessageId));
        Assert.Equal(ChatRole.Assistant, updates[0].Role);
        var usage = Assert.Single(updates.SelectMany(u => u.Contents).OfType<UsageContent>()).Details;
        Assert.Same(updates[^1], updates.Single(u => u.FinishReason is not null));
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
        Assert.Equal(usage.InputTokenCount + usage.OutputTokenCount, usage.TotalTokenCount);
        Assert.Equal(600, usage.InputTokenCount);
    }

    [Fact]
    public async Task Response_IsTheSumOfItsStream()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine { FinishReason = GenerationFinishReason.Length });
        var response = await client.GetResponseAsync([Question()]);
        Assert.Equal("It is a cat.", response.Text);
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Single(response.Messages);
        Assert.Equal("scripted-7b", response.ModelId);
        Assert.IsType<GenerationResult>(response.RawRepresentation);
    }

    [Fact]
    public async Task Report_SurvivesJson()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        var response = await client.GetResponseAsync([Question()], new ChatOptions().WithPruning(PruningPreset.Understanding));
        var again = JsonSerializer.Deserialize<ChatResponse>(
            JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;
        foreach (var report in new[] { response.GetPruningReport()!, again.GetPruningReport()! })
        {
            Assert.Equal(PruningPreset.Understanding, report.Preset);
            Assert.Equal("d2pruner", report.Method);
            Assert.Equal(2, report.LayersBeforePruning);
            Assert.Equal(4, report.VisualTokens);
            Assert.Equal([1, 2], report.Images[0].Kept);
            Assert.Equal("uniform", report.Prior);
            Assert.Equal(10, report.KvBytes);
        }
    }

    [Fact]
    public async Task Images_KeepTheirOrder_AndOctetStreamIsSniffed()
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(engine);
        await client.GetResponseAsync(
            [new ChatMessage(ChatRole.User,
                [new TextContent("a"), new DataContent(Png, "application/octet-stream"), new TextContent("b"),
                    new DataContent(Png, "image/*").KeepVisualTokens(0.5)])]);
        var parts = engine.Last.Turns.Single().Parts;
        Assert.Equal(["TextPart", "ImagePart", "TextPart", "ImagePart"], parts.Select(p => p.GetType().Name));
        Assert.Equal(0.5, ((ImagePart)parts[3]).KeepRatio);
        Assert.Null(((ImagePart)parts[1]).KeepRatio);
    }

    [Fact]
    public async Task Options_ReachTheEngine()
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(engine);
        await client.GetResponseAsync([Question()], new ChatOptions
        {
            Temperature = 0.5f, TopP = 0.25f, TopK = 7, Seed = 9, MaxOutputTokens = 11, FrequencyPenalty = 0.5f, PresencePenalty = 0.25f,
            StopSequences = ["END"], Instructions = "Be brief.", AdditionalProperties = new() { ["d2pruner.repetition_penalty"] = "1.5" },
        });
        var g = engine.Last.Generation;
        Assert.Equal((0.5, 0.25, 7, 9L, 11), (g.Temperature, g.TopP, g.TopK, g.Seed, g.MaxNewTokens));
        Assert.Equal((0.5, 0.25, 1.5), (g.FrequencyPenalty, g.PresencePenalty, g.RepetitionPenalty));
        Assert.Equal(["END"], g.StopSequences);
        Assert.Equal("system", engine.Last.Turns[0].Role);
        Assert.Equal("Be brief.", engine.Last.Turns[0].Text);
    }

    [Fact]
    public async Task ModelId_OtherThanTheModels_IsRefused()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        await client.GetResponseAsync([Question()], new ChatOptions { ModelId = "scripted-7b" });
        var e = await Assert.ThrowsAsync<ModelMismatchException>(
            () => client.GetResponseAsync([Question()], new ChatOptions { ModelId = "gpt" }));
        Assert.Contains("gpt", e.Message);
    }

    [Fact]
    public async Task Auto_ReadsTheQuestion_AndSaysWhy()
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(engine);
        var where = await client.GetResponseAsync([Question("Where is the red cup?")]);
        Assert.Equal(PruningPreset.Localization, where.GetPruningReport()!.Preset);
        Assert.NotEmpty(where.GetPruningReport()!.PresetReason);
        Assert.Equal((0.5, 5), (engine.Last.Pruning!.Alpha, engine.Last.Pruning.LayersBeforePruning));
        var what = await client.GetResponseAsync([Question("Describe the picture.")]);
        Assert.Equal(PruningPreset.Understanding, what.GetPruningReport()!.Preset);
        Assert.Equal((1.0, 2), (engine.Last.Pruning!.Alpha, engine.Last.Pruning.LayersBeforePruning));
    }

    [Fact]
    public async Task Precedence_RequestThenClientThenPreset()
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(
            engine, new D2PrunerChatClientOptions { Preset = PruningPreset.Understanding,
                Pruning = new() { KeepTokens = 100, Theta = 0.7 } });
        await client.GetResponseAsync([Question()]);
        Assert.Equal((100, 0.7, 2),
            (engine.Last.Pruning!.Budget.Tokens, engine.Last.Pruning.Theta, engine.Last.Pruning.LayersBeforePruning));
        await client.GetResponseAsync(
            [Question()], new ChatOptions().WithPruning(new VisualPruningOptions { KeepRatio = 0.25, LayersBeforePruning = 3 }));
        Assert.Equal((0.25, 0.7, 3),
            (engine.Last.Pruning!.Budget.Ratio, engine.Last.Pruning.Theta, engine.Last.Pruning.LayersBeforePruning));
        Assert.True(engine.Last.Pruning.LayersAreExplicit);
        // A request that names a preset drops the client's overrides.
        await client.GetResponseAsync([Question()], new ChatOptions().WithPruning(PruningPreset.Localization));
        Assert.Equal((0.5, 0.8, 5),
            (engine.Last.Pruning!.Budget.Ratio, engine.Last.Pruning.Theta, engine.Last.Pruning.LayersBeforePruning));
        await client.GetResponseAsync([Question()], new ChatOptions().WithoutPruning());
        Assert.Null(engine.Last.Pruning);
    }

    public static TheoryData<string, object> ScalarForms() => new()
    {
        { "d2pruner.keep_ratio", 0.25 }, { "d2pruner.keep_ratio", 0.25f }, { "d2pruner.keep_ratio", "0.25" },
            { "d2pruner.keep_ratio", JsonDocument.Parse("0.25").RootElement },
        { "d2pruner.keep_ratio", JsonDocument.Parse("\"0.25\"").RootElement }, { "d2pruner.keep_ratio", 0.25m },
    };

    [Theory]
    [MemberData(nameof(ScalarForms))]
    public async Task Keys_TakeEveryScalarForm(string key, object value)
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(engine);
        await client.GetResponseAsync([Question()], new ChatOptions { AdditionalProperties = new() { [key] = value } });
        Assert.Equal(0.25, engine.Last.Pruning!.Budget.Ratio);
    }

    [Theory]
    [InlineData("d2pruner.keep_ratio", 0.0)]
    [InlineData("d2pruner.keep_ratio", 1.5)]
    [InlineData("d2pruner.keep_tokens", 0)]
    [InlineData("d2pruner.alpha", -0.1)]
    [InlineData("d2pruner.preset", "sharp")]
    [InlineData("d2pruner.rule", "R9")]
    public void ImpossibleValue_IsRefusedByTheCallItself(string key, object value)
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        var e = Assert.ThrowsAny<ArgumentException>(
            () => client.GetStreamingResponseAsync([Question()], new ChatOptions { AdditionalProperties = new() { [key] = value } }));
        Assert.Contains(key, e.Message);
    }

    [Fact]
    public void RatioTogetherWithTokens_IsAnError()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        Assert.ThrowsAny<ArgumentException>(
            () => client.GetStreamingResponseAsync(
                [Question()], new ChatOptions { AdditionalProperties = new() { ["d2pruner.keep_ratio"] = 0.5,
                    ["d2pruner.keep_tokens"] = 5 } }));
        Assert.ThrowsAny<ArgumentException>(
            () => new D2PrunerChatClient(
                new ScriptedEngine(), new D2PrunerChatClientOptions { Pruning = new() { KeepRatio = 0.5, KeepTokens = 5 } }));
    }

    [Fact]
    public async Task Boxes_AreMappedToTheOriginal_AndSurviveJson()
    {
        using var client = new D2PrunerChatClient(
            new ScriptedEngine { Pieces = ["It is at [0.25, 0.", "25, 0.5, 0.75], not [0.9, 0.1, 0.2, 0.3]."] });
        var response = await client.GetResponseAsync([Question("Where is the cat?")]);
        var again = JsonSerializer.Deserialize<ChatResponse>(
            JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;
        foreach (var r in new[] { response, again })
        {
            var region = Assert.Single(r.GetGroundings());
            // Unit square: x over 200 pixels, y from -50 to 150: [0.25, 0.25, 0.5, 0.75] is (50, 0)-(100, 100).
            Assert.Equal(new BoundingBox(0.25f, 0, 0.5f, 1), region.Box);
            Assert.Equal(System.Drawing.Rectangle.FromLTRB(50, 0, 100, 100), region.Box.ToPixels(200, 100));
            Assert.Single(r.GetPruningReport()!.GroundingIssues);
        }

        Assert.Contains(response.Messages[0].Contents.OfType<TextContent>(), c => c.Annotations is { Count: 1 });
    }

    [Fact]
    public async Task LeavingTheLoop_AndCancelling_ReachTheEngine()
    {
        var engine = new ScriptedEngine { Delay = TimeSpan.FromMilliseconds(20), Pieces = [.. Enumerable.Repeat("x", 1000)] };
        using var client = new D2PrunerChatClient(engine);
        await foreach (var update in client.GetStreamingResponseAsync([Question()]))
        {
            if (update.Text.Length > 0) break;
        }

        using var cancel = new CancellationTokenSource(60);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetResponseAsync([Question()], null, cancel.Token));
        Assert.True(engine.SawCancellation);
    }

    [Fact]
    public async Task ThirtyTwoCallers_GetTheirOwnAnswers()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine { Delay = TimeSpan.FromMilliseconds(1) });
        var responses = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => client.GetResponseAsync([Question()])));
        Assert.All(responses, r => Assert.Equal("It is a cat.", r.Text));
        Assert.Equal(32, responses.Select(r => r.ResponseId).Distinct().Count());
    }

    [Fact]
    public void GetService_FollowsTheContract()
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(engine);
        IChatClient c = client;
        var metadata = c.GetService<ChatClientMetadata>()!;
        Assert.Same(metadata, c.GetService<ChatClientMetadata>());
        Assert.Equal(("d2pruner", null, "scripted-7b"), (metadata.ProviderName, metadata.ProviderUri, metadata.DefaultModelId));
        Assert.Same(client, c.GetService<D2PrunerChatClient>());
        Assert.Same(client, c.GetService<IChatClient>());
        Assert.Same(engine.Model, c.GetService<VisionModelInfo>());
        Assert.Null(c.GetService(typeof(ChatClientMetadata), "key"));
        Assert.Throws<ArgumentNullException>(() => c.GetService(null!));
    }

    [Fact]
    public void Dispose_TakesTheEngineOnlyWhenOwned()
    {
        var (borrowed, owned) = (new ScriptedEngine(), new ScriptedEngine());
        new D2PrunerChatClient(borrowed).Dispose();
        var client = new D2PrunerChatClient(owned, ownsEngine: true);
        client.Dispose();
        client.Dispose();
        Assert.False(borrowed.Disposed);
        Assert.True(owned.Disposed);
        Assert.Throws<ObjectDisposedException>(() => client.GetStreamingResponseAsync([Question()]));
    }

    [Fact]
    public async Task Uris_AreDenied_AndDataUrisAreRead()
    {
        var engine = new ScriptedEngine();
        using var client = new D2PrunerChatClient(engine);
        foreach (var uri in new[] { "http://127.0.0.1/x.png", "file:///etc/passwd", "https://example.org/x.png" })
            await Assert.ThrowsAsync<ImageAccessDeniedException>(
                () => client.GetResponseAsync([new ChatMessage(ChatRole.User, [new UriContent(uri, "image/png")])]));
        Assert.Empty(engine.Requests);
    }

    [Fact]
    public async Task TheCallersOptions_AreNotChanged()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        var options = new ChatOptions { StopSequences = ["a"], Instructions = "x" };
        List<ChatMessage> messages = [Question()];
        await client.GetResponseAsync(messages, options);
        Assert.Equal(["a"], options.StopSequences);
        Assert.Null(options.AdditionalProperties);
        Assert.Single(messages);
    }
}
