using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using Xunit;
using ChatFinishReason = OpenAI.Chat.ChatFinishReason;
using ChatMessage = OpenAI.Chat.ChatMessage;
using ChatResponseFormat = OpenAI.Chat.ChatResponseFormat;

namespace D2Pruner.AI.Tests.Server;

/// <summary>The official OpenAI .NET package, and the framework's adapter over it, through a real port.</summary>
public sealed class OpenAIPackageTests
{
    [Fact]
    public async Task Chat_AndStreaming()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat());
        var client = Client(server);
        ChatCompletion completion =
            await client.CompleteChatAsync(
                [new SystemChatMessage("Be brief."), new UserChatMessage("Hello?")],
                new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 9 });
        Assert.Equal(("It is a cat.", ChatFinishReason.Stop, 14),
            (completion.Content[0].Text, completion.FinishReason, completion.Usage.TotalTokenCount));
        Assert.Equal(4, completion.Usage.InputTokenDetails.CachedTokenCount);
        var text = "";
        ChatTokenUsage? usage = null;
        ChatFinishReason? reason = null;
        await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("Hello?")]))
        {
            text += string.Concat(update.ContentUpdate.Select(c => c.Text));
            usage = update.Usage ?? usage;
            reason = update.FinishReason ?? reason;
        }

        Assert.Equal(("It is a cat.", 14, ChatFinishReason.Stop), (text, usage!.TotalTokenCount, reason));
    }

    [Fact]
    public async Task Images_AndWhatTheyGave()
    {
        var engine = new ScriptedEngine { Pieces = ["[0.25, 0.5, 0.5, 0.75]"] };
        using var inner = new D2PrunerChatClient(engine);
        await using var server = await RunningServer.StartAsync(inner);
        var message = new UserChatMessage(
            ChatMessageContentPart.CreateTextPart("Where is it?"),
            ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(TinyPng.Bytes), "image/png", ChatImageDetailLevel.High));
        var result = await Client(server, "scripted-7b").CompleteChatAsync(message);
        Assert.Equal(TinyPng.Bytes, engine.Last.Turns[0].Parts.OfType<Runtime.ImagePart>().Single().Bytes.ToArray());
        // The extensions are in the raw answer, where this package leaves what it does not know.
        var raw = JsonDocument.Parse(result.GetRawResponse().Content).RootElement;
        Assert.Equal(50, raw.GetProperty("groundings")[0].GetProperty("box_pixels")[0].GetInt32());
        Assert.Equal(2, raw.GetProperty("pruning").GetProperty("visual_tokens_kept").GetInt32());
    }

    [Fact]
    public async Task JsonSchema_ReachesTheModel()
    {
        var chat = new ScriptedChat { Pieces = ["{\"colour\":\"red\"}"] };
        await using var server = await RunningServer.StartAsync(chat);
        var format = ChatResponseFormat.CreateJsonSchemaFormat(
            "answer", BinaryData.FromString("""{"type":"object","properties":{"colour":{"type":"string"}},"required":["colour"]}"""),
            jsonSchemaIsStrict: true);
        ChatCompletion completion = await Client(server)
            .CompleteChatAsync([new UserChatMessage("?")], new ChatCompletionOptions { ResponseFormat = format });
        Assert.Equal("{\"colour\":\"red\"}", completion.Content[0].Text);
        Assert.Contains("colour", Assert.IsType<ChatResponseFormatJson>(chat.Last.Options!.ResponseFormat).Schema!.Value.GetRawText());
    }

    [Fact]
    public async Task Functions_AreInvoked_ThroughTheFrameworksMiddleware()
    {
        var chat = new ScriptedChat
        {
            Script = (messages, _) => messages[^1].Role == ChatRole.Tool
                ? [new TextContent($"It is {((FunctionResultContent)messages[^1].Contents[0]).Result?.ToString()?.Trim('"')}.")]
                : [new FunctionCallContent("c1", "weather", new Dictionary<string, object?> { ["city"] = "Rome" })],
        };
        await using var server = await RunningServer.StartAsync(chat);
        using var client = Client(server).AsIChatClient().AsBuilder().UseFunctionInvocation().Build();
        var tool = AIFunctionFactory.Create((string city) => city == "Rome" ? "sunny" : "unknown", "weather");
        var response = await client.GetResponseAsync("How is the weather?", new ChatOptions { Tools = [tool] });
        Assert.Equal("It is sunny.", response.Text);
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in client.GetStreamingResponseAsync(
            "How is the weather?", new ChatOptions { Tools = [tool] })) updates.Add(update);
        Assert.Equal("It is sunny.", updates.ToChatResponse().Text);
        Assert.Equal("weather", Assert.IsAssignableFrom<AIFunctionDeclaration>(Assert.Single(chat.Last.Options!.Tools!)).Name);
    }

    [Fact]
    public async Task Errors_AreThePackagesOwn()
    {
        var chat = new ScriptedChat();
        await using var server = await RunningServer.StartAsync(chat, o => o.ApiKeys.Add("right"));
        Assert.Equal(401, (await Fails(Client(server, key: "wrong"))).Status);
        Assert.Equal(404, (await Fails(Client(server, "gpt-9", "right"))).Status);
        chat.Fails = () => new Runtime.PromptException("The prompt has 5000 tokens, the context 4096.", Runtime.VisionErrorKind.TooLarge);
        var e = await Fails(Client(server, key: "right"));
        Assert.Equal(400, e.Status);
        Assert.Contains("5000", e.Message);
        chat.Fails = () => null;
        Assert.Equal(401, (await Assert.ThrowsAsync<ClientResultException>(async () =>
        {
            await foreach (var _ in Client(server, key: "wrong").CompleteChatStreamingAsync("x")) { }
        })).Status);

        static async Task<ClientResultException> Fails(ChatClient client) =>
            await Assert.ThrowsAsync<ClientResultException>(() => client.CompleteChatAsync("Hello?"));
    }

    [Fact]
    public async Task Busy_IsRetried_ByThePackage()
    {
        var chat = new ScriptedChat();
        var busy = 2;
        chat.Fails = () => busy-- > 0 ? new Runtime.EngineBusyException(1) : null;
        await using var server = await RunningServer.StartAsync(chat);
        ChatCompletion completion = await Client(server).CompleteChatAsync("Hello?");
        Assert.Equal("It is a cat.", completion.Content[0].Text);
        Assert.Equal(3, chat.Calls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LeavingCancelsTheAnswer(bool stream)
    {
        var chat = new ScriptedChat { Delay = TimeSpan.FromMilliseconds(50), Pieces = [.. Enumerable.Repeat("x ", 10_000)] };
        await using var server = await RunningServer.StartAsync(chat);
        using var leaving = new CancellationTokenSource();
        if (stream)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            {
                await foreach (var update in Client(server)
                    .CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: leaving.Token))
                    if (update.ContentUpdate.Count > 0 && update.ContentUpdate[0].Text.Length > 0) await leaving.CancelAsync();
            });
        }
        else
        {
            var answer = Client(server).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: leaving.Token);
            while (chat.Calls == 0) await Task.Delay(5);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        }

        for (var i = 0; i < 12_000 && chat.Cancelled == 0; i++) await Task.Delay(5);
        Assert.Equal(1, chat.Cancelled);
        Assert.Equal(1, chat.Calls);
    }

    [Fact]
    public async Task Models_AreListed()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat());
        var models = (await new OpenAIClient(new ApiKeyCredential("none"), Options(server)).GetOpenAIModelClient().GetModelsAsync()).Value;
        Assert.Equal(("scripted", "d2pruner"), (Assert.Single(models).Id, models[0].OwnedBy));
    }

    private static ChatClient Client(RunningServer server, string model = "scripted", string key = "none") =>
        new(model, new ApiKeyCredential(key), Options(server));

    private static OpenAIClientOptions Options(RunningServer server) =>
        new() { Endpoint = new Uri(server.Address, "v1"), RetryPolicy = new ClientRetryPolicy(3) };
}
