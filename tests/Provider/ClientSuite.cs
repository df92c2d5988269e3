using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>What every client of this library does, whatever engine is under it (docs/provider-facts.md).</summary>
public abstract class ClientSuite
{
    private protected abstract IChatClient Client { get; }

    private protected static ChatMessage Question(string text = "What is this?") =>
        new(ChatRole.User, [new DataContent(TinyPng.Bytes, "image/png"), new TextContent(text)]);

    private static ChatOptions Short => new() { MaxOutputTokens = 4 };

    [Fact]
    public async Task Streaming_HasOneIdentity_OneUsageAtItsEnd_AndMoreThanOneChunk()
    {
        var updates = await Client.GetStreamingResponseAsync([Question()], Short).ToListAsync();
        Assert.True(updates.Count > 1);
        Assert.Single(updates.Select(u => (u.ResponseId, u.MessageId, u.Role, u.ModelId, u.CreatedAt)).Distinct());
        Assert.All(updates, u => Assert.False(string.IsNullOrEmpty(u.MessageId)));
        Assert.Equal(TimeSpan.Zero, updates[0].CreatedAt!.Value.Offset);
        var usage = Assert.Single(updates.SelectMany(u => u.Contents).OfType<UsageContent>()).Details;
        Assert.Contains(updates[^1].Contents, c => c is UsageContent);
        Assert.Same(updates[^1], Assert.Single(updates, u => u.FinishReason is not null));
        Assert.True(usage.InputTokenCount > 1 && usage.OutputTokenCount > 1);
        Assert.Equal(usage.InputTokenCount + usage.OutputTokenCount, usage.TotalTokenCount);
        Assert.True(usage.AdditionalCounts!["d2pruner.visual_tokens_kept"] <= usage.AdditionalCounts["d2pruner.visual_tokens"]);
    }

    [Fact]
    public async Task Response_HasUsage_OneMessage_AndTheModelsName()
    {
        var response = await Client.GetResponseAsync([Question()], Short);
        Assert.Equal(ChatRole.Assistant, Assert.Single(response.Messages).Role);
        Assert.Equal(Client.GetService<ChatClientMetadata>()!.DefaultModelId, response.ModelId);
        Assert.Equal(response.Usage!.InputTokenCount + response.Usage.OutputTokenCount, response.Usage.TotalTokenCount);
        Assert.NotNull(response.GetPruningReport());
    }

    [Fact]
    public async Task SeveralMessages_AndEmptyOnes_AreTaken()
    {
        await Client.GetResponseAsync(
            [new(ChatRole.System, []), new(ChatRole.User, []), new(ChatRole.Assistant, []), new(ChatRole.User, "What is 1 + 2?")], Short);
        await Client.GetResponseAsync([Question(), new(ChatRole.Assistant, "A cat."), new(ChatRole.User, "And its colour?")], Short);
    }

    [Fact]
    public async Task Streamed_AppendsToTheHistory_AsOneTextContent()
    {
        List<ChatMessage> history = [new(ChatRole.User, "Say something.")];
        await history.AddMessagesAsync(Client.GetStreamingResponseAsync(history, Short));
        Assert.Equal(2, history.Count);
        Assert.Equal(history[1].Text, Assert.IsType<TextContent>(Assert.Single(history[1].Contents)).Text);
    }

    [Fact]
    public async Task ThirtyTwoCallers_GetAnswersOfTheirOwn()
    {
        var responses = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Client.GetResponseAsync([Question()], Short)));
        Assert.Equal(32, responses.Select(r => r.ResponseId).Distinct().Count());
        Assert.Single(responses.Select(r => r.Text).Distinct());
    }

    [Fact]
    public async Task LeavingTheLoop_AndCancelling_LeaveItWorking()
    {
        await foreach (var _ in Client.GetStreamingResponseAsync([Question()], new ChatOptions { MaxOutputTokens = 200 })) break;
        using var cancel = new CancellationTokenSource();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Client.GetResponseAsync([Question()], Short, cancel.Token));
        Assert.NotNull((await Client.GetResponseAsync([Question()], Short)).FinishReason);
    }

    [Fact]
    public async Task Arguments_AreSnapshots_AndNotChanged()
    {
        var options = new ChatOptions { MaxOutputTokens = 4, StopSequences = ["zzz"], Instructions = "x" };
        var before = JsonSerializer.Serialize(options, AIJsonUtilities.DefaultOptions);
        List<ChatMessage> messages = [Question()];
        var stream = Client.GetStreamingResponseAsync(messages, options);
        messages.Clear();
        Assert.NotEmpty(await stream.ToListAsync());
        Assert.Equal(before, JsonSerializer.Serialize(options, AIJsonUtilities.DefaultOptions));
        Assert.Throws<ArgumentNullException>(() => { Client.GetStreamingResponseAsync((IEnumerable<ChatMessage>)null!); });
    }

    [Fact]
    public async Task JsonRoundTrip_KeepsTextUsageAndReport()
    {
        var response = await Client.GetResponseAsync([Question()], Short);
        var again = JsonSerializer.Deserialize<ChatResponse>(
            JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;
        Assert.Equal((response.Text, response.Usage!.TotalTokenCount), (again.Text, again.Usage!.TotalTokenCount));
        Assert.Equal(response.GetPruningReport()!.VisualTokensKept, again.GetPruningReport()!.VisualTokensKept);
    }

    [Fact]
    public async Task OpenTelemetry_GetsTheStandardSpan_WithOurTags_AndNoServer()
    {
        var source = Guid.NewGuid().ToString();
        var spans = new List<Activity>();
        using var listener = new ActivityListener { ShouldListenTo = s => s.Name == source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Add };
        ActivitySource.AddActivityListener(listener);
        // Not disposed: the pipeline would dispose the client.
        var client = Client.AsBuilder().UseOpenTelemetry(sourceName: source).Build();
        await client.GetResponseAsync([Question()], Short);
        await client.GetStreamingResponseAsync([Question()], Short).ToListAsync();
        Assert.Equal(2, spans.Count);
        foreach (var span in spans)
        {
            Assert.StartsWith("chat", span.DisplayName);
            Assert.NotNull(span.GetTagItem("d2pruner.preset"));
            Assert.True((int)span.GetTagItem("d2pruner.visual_tokens")! >= (int)span.GetTagItem("d2pruner.visual_tokens_kept")!);
            Assert.True((int)span.GetTagItem("gen_ai.usage.input_tokens")! > 0);
            Assert.Null(span.GetTagItem("server.address"));
            Assert.True(span.Duration > TimeSpan.Zero);
        }
    }

    [Fact]
    public async Task Logging_SeesQuestionAndAnswer()
    {
        var log = new CollectingLogger();
        var client = Client.AsBuilder().UseLogging(log).Build();
        var response = await client.GetResponseAsync("What's the biggest animal?", Short);
        Assert.Contains(log.Lines, l => l.Contains("biggest animal", StringComparison.Ordinal));
        Assert.Contains(log.Lines, l => l.Contains(response.ResponseId!, StringComparison.Ordinal));
    }

    [Fact]
    public void Services_AreTheSameEachTime()
    {
        Assert.Same(Client.GetService<ChatClientMetadata>(), Client.GetService<ChatClientMetadata>());
        Assert.Equal("d2pruner", Client.GetService<ChatClientMetadata>()!.ProviderName);
        Assert.Null(Client.GetService<ChatClientMetadata>()!.ProviderUri);
        Assert.NotNull(Client.GetService<D2PrunerChatClient>());
        Assert.Null(Client.GetService(typeof(ChatClientMetadata), "key"));
    }

    [Fact]
    public async Task UnsupportedMedia_IsRefused()
    {
        await Assert.ThrowsAsync<NotSupportedException>(
            () => Client.GetResponseAsync([new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "application/pdf")])], Short));
        await Assert.ThrowsAsync<Runtime.Imaging.ImageDecodeException>(
            () => Client.GetResponseAsync(
                [new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1, 2, 3 }, "application/octet-stream")])], Short));
        await Assert.ThrowsAsync<NotSupportedException>(
            () => Client.GetResponseAsync([new ChatMessage(ChatRole.User, [new HostedFileContent("f")])], Short));
    }
}
