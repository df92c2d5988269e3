using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>Every row of the error table (docs/server.md).</summary>
public sealed class ErrorTableTests
{
    [Theory]
    // The body.
    [InlineData("", null)]
    [InlineData("[]", null)]
    [InlineData("{", null)]
    [InlineData("\"x\"", null)]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""", "messages[0].content")]
    // Messages.
    [InlineData("{}", "messages")]
    [InlineData("""{"messages":[]}""", "messages")]
    [InlineData("""{"messages":{}}""", "messages")]
    [InlineData("""{"messages":[3]}""", "messages[0]")]
    [InlineData("""{"messages":[{"content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"messages":[{"role":"robot","content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"messages":[{"role":"function","content":"x"}]}""", "messages[0].role")]
    [InlineData("""{"messages":[{"role":"user"}]}""", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"user","content":7}]}""", "messages[0].content")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"video"}]}]}""", "messages[0].content[0].type")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}""", "messages[0].content[0].type")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}""", "messages[0].content[0].image_url")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://127.0.0.1/a.png"}}]}]}""",
        "messages[0].content[0].image_url.url")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}]}""",
        "messages[0].content[0].image_url.url")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,@@@@"}}]}]}""",
        "messages[0].content[0].image_url.url")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,"}}]}]}""",
        "messages[0].content[0].image_url.url")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:text/html;base64,PGI+"}}]}]}""",
        "messages[0].content[0].image_url.url")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,abc"}}]}]}""",
        "messages[0].content[0].image_url.url")]
    [InlineData("""{"messages":[{"role":"system","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}""",
        "messages[0].content[0].type")]
    [InlineData("""{"messages":[{"role":"tool","content":"x"}]}""", "messages[0].tool_call_id")]
    [InlineData("""{"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"["}}]}]}""",
        "messages[0].tool_calls[0].function.arguments")]
    public async Task BadMessages_AreRefusedByField(string body, string? param)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var (status, json, _) = await server.ChatAsync(body);
        Error(status, json, 400, "invalid_request_error", param: param);
    }

    [Theory]
    [InlineData("\"n\":2", "n")]
    [InlineData("\"temperature\":3", "temperature")]
    [InlineData("\"temperature\":\"hot\"", "temperature")]
    [InlineData("\"temperature\":1e999", "temperature")]
    [InlineData("\"top_p\":-0.1", "top_p")]
    [InlineData("\"top_p\":1.01", "top_p")]
    [InlineData("\"top_k\":-2", "top_k")]
    [InlineData("\"max_tokens\":0", "max_tokens")]
    [InlineData("\"max_tokens\":1.5", "max_tokens")]
    [InlineData("\"max_completion_tokens\":99999999999", "max_completion_tokens")]
    [InlineData("\"seed\":\"x\"", "seed")]
    [InlineData("\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\"]", "stop")]
    [InlineData("\"stop\":5", "stop")]
    [InlineData("\"stop\":[5]", "stop[0]")]
    [InlineData("\"frequency_penalty\":-2.1", "frequency_penalty")]
    [InlineData("\"presence_penalty\":2.1", "presence_penalty")]
    [InlineData("\"stream\":\"yes\"", "stream")]
    [InlineData("\"stream_options\":{\"include_usage\":true}", "stream_options")]
    [InlineData("\"logprobs\":true", "logprobs")]
    [InlineData("\"top_logprobs\":3", "top_logprobs")]
    [InlineData("\"logit_bias\":{\"50\":1}", "logit_bias")]
    [InlineData("\"modalities\":[\"audio\"]", "modalities")]
    [InlineData("\"audio\":{}", "audio")]
    [InlineData("\"functions\":[]", "functions")]
    [InlineData("\"tools\":[{\"type\":\"web\"}]", "tools[0].type")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]", "tools[0].function.name")]
    [InlineData("\"tool_choice\":\"required\"", "tool_choice")]
    [InlineData("\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}", "tool_choice")]
    [InlineData("\"tool_choice\":\"maybe\"", "tool_choice")]
    [InlineData("\"response_format\":{\"type\":\"xml\"}", "response_format.type")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\"}", "response_format.json_schema")]
    [InlineData("\"pruning\":{\"keep\":1}", "pruning.keep")]
    [InlineData("\"pruning\":{\"preset\":\"best\"}", "pruning.preset")]
    [InlineData("\"pruning\":{\"keep_ratio\":0}", "pruning.keep_ratio")]
    [InlineData("\"pruning\":{\"keep_ratio\":0.5,\"keep_tokens\":4}", "pruning.keep_tokens")]
    [InlineData("\"pruning\":{\"prior\":\"/etc/passwd\"}", "pruning.prior")]
    [InlineData("\"pruning\":{\"prior\":\"../x\"}", "pruning.prior")]
    [InlineData("\"pruning\":7", "pruning")]
    public async Task BadFields_AreRefusedByName(string field, string param)
    {
        var client = new ScriptedChat();
        await using var server = await RunningServer.StartAsync(client, inMemory: true);
        var (status, json, _) = await server.ChatAsync(RunningServer.ChatBody(field));
        Error(status, json, 400, "invalid_request_error", param: param);
        Assert.Equal(0, client.Calls);
    }

    // Fields that only the client can refuse are named too.
    [Theory]
    [InlineData("\"pruning\":{\"method\":\"nope\"}", "pruning.method")]
    [InlineData("\"pruning\":{\"parameters\":{\"x\":1}}", "pruning.parameters.x")]
    [InlineData("\"pruning\":{\"parameters\":{\"ladder_step\":\"far\"}}", "pruning.parameters.ladder_step")]
    [InlineData("\"pruning\":{\"preset\":\"understanding\",\"prior\":\"indoor\"}", "pruning.prior")]
    [InlineData("\"pruning\":{\"preset\":\"understanding\",\"layer\":32}", "pruning.layer")]
    [InlineData("\"pruning\":{\"preset\":\"none\",\"keep_ratio\":0.5}", "pruning.keep_ratio")]
    [InlineData("\"pruning\":{\"preset\":\"none\",\"keep_tokens\":5}", "pruning.keep_tokens")]
    [InlineData("\"tools\":[{\"function\":{\"name\":\"f\"}},{\"function\":{\"name\":\"f\"}}]", "tools")]
    [InlineData("\"tools\":[{\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\"", "tool_choice", "unsupported")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"strin\"}}}", "response_format")]
    [InlineData(
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}}}",
        "response_format")]
    public async Task WhatTheClientRefuses_IsNamed(string field, string param, string? code = null)
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine { Answering = FindPriorAsync });
        await using var server = await RunningServer.StartAsync(client, inMemory: true);
        var (status, json, _) = await server.ChatAsync(RunningServer.ChatBody(field, $"[{RunningServer.ImagePart()}]"));
        Error(status, json, 400, "invalid_request_error", code, param);

        // As an engine looks for a prior: here none is registered.
        static async Task FindPriorAsync(int number)
        {
            await Task.Yield();
            PriorCatalog.Load([], new ScriptedEngine().Model, null).Find("indoor", number);
        }
    }

    [Fact]
    public async Task BytesThatAreNoImage_AreABrokenImage()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        await using var server = await RunningServer.StartAsync(client, inMemory: true);
        const string part = """{"type":"image_url","image_url":{"url":"data:application/octet-stream;base64,AQID"}}""";
        var (status, json, _) = await server.ChatAsync(RunningServer.ChatBody(content: $"[{part}]"));
        Error(status, json, 400, "invalid_request_error", "invalid_image", "messages");
    }

    [Theory]
    [InlineData("{}", "prompt")]
    [InlineData("{\"prompt\":[1,2]}", "prompt")]
    [InlineData("{\"prompt\":[\"a\",\"b\"]}", "prompt")]
    [InlineData("{\"prompt\":\"a\",\"echo\":true}", "echo")]
    [InlineData("{\"prompt\":\"a\",\"suffix\":\"b\"}", "suffix")]
    [InlineData("{\"prompt\":\"a\",\"best_of\":2}", "best_of")]
    public async Task BadCompletions_AreRefusedByName(string body, string param)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var (status, json, _) = await server.ChatAsync(body, "v1/completions");
        Error(status, json, 400, "invalid_request_error", param: param);
    }

    // What a client throws, and what callers are told of it.
    public static TheoryData<string, int, string, string?> Thrown() => new()
    {
        { "image", 400, "invalid_request_error", "invalid_image" },
        { "context", 400, "invalid_request_error", "context_length_exceeded" },
        { "argument", 400, "invalid_request_error", null },
        { "unsupported", 400, "invalid_request_error", "unsupported" },
        { "pixels", 413, "invalid_request_error", "request_too_large" },
        { "busy", 429, "rate_limit_exceeded", "rate_limit_exceeded" },
        { "memory", 503, "server_error", "out_of_memory" },
        { "stopping", 503, "server_error", "model_unavailable" },
        { "files", 503, "server_error", "model_unavailable" },
        { "disposed", 503, "server_error", "model_unavailable" },
        { "cancelled", 503, "server_error", "model_unavailable" },
        { "fault", 500, "server_error", "internal_error" },
    };

    [Theory]
    [MemberData(nameof(Thrown))]
    public async Task WhatAClientThrows_IsTold(string name, int status, string type, string? code)
    {
        var client = new ScriptedChat { Fails = () => Failure(name) };
        await using var server = await RunningServer.StartAsync(client, inMemory: true);
        foreach (var stream in new[] { "false", "true" })
        {
            var (found, json, response) = await server.ChatAsync(RunningServer.ChatBody($"\"stream\":{stream}"));
            Error(found, json, status, type, code);
            Assert.DoesNotContain("secret", json.GetRawText());
            if (name == "context") Assert.Contains("5000", json.GetRawText());
            if (status == 429)
                Assert.True(int.Parse(response.Headers.GetValues("Retry-After").Single(), CultureInfo.InvariantCulture) >= 1);
        }

        // And the next request is answered.
        client.Fails = () => null;
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody())).Status);
    }

    [Fact]
    public async Task AfterTheFirstChunk_AnErrorIsTheLastLine()
    {
        var client = new ScriptedChat { FailsAtTheEnd = new InvalidOperationException("secret") };
        await using var server = await RunningServer.StartAsync(client);
        var events = await server.StreamAsync(RunningServer.ChatBody("\"stream\":true"));
        var error = JsonDocument.Parse(events[^1]).RootElement.GetProperty("error");
        Assert.Equal(("server_error", "internal_error"), (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()));
        Assert.DoesNotContain(events, e => e.Contains("[DONE]", StringComparison.Ordinal)
            || e.Contains("secret", StringComparison.Ordinal));
        Assert.Equal(5, events.Count);
    }

    [Fact]
    public async Task UnknownModel_Is404()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var (status, json, _) = await server.ChatAsync(RunningServer.ChatBody("\"model\":\"gpt-9\""));
        Error(status, json, 404, "invalid_request_error", "model_not_found", "model");
        var response = await server.Http.GetAsync("v1/models/gpt-9");
        Error(response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement, 404, "invalid_request_error",
            "model_not_found", "model");
    }

    [Theory]
    [InlineData("POST", "v1/embeddings", 404)]
    [InlineData("GET", "v1/chat/completions", 405)]
    [InlineData("POST", "v1/models", 405)]
    public async Task OtherPaths_SayWhatThereIs(string method, string path, int expected)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var response = await server.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Error(response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement, expected,
            "invalid_request_error");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData(null)]
    public async Task OtherTypes_Are415(string? type)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(RunningServer.ChatBody()));
        if (type is not null) content.Headers.TryAddWithoutValidation("Content-Type", type);
        var response = await server.Http.PostAsync("v1/chat/completions", content);
        Error(response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement, 415, "invalid_request_error",
            "unsupported_media_type");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TooLarge_Is413_WithAndWithoutALength(bool chunked)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), o => o.MaxBodyBytes = 100_000);
        using var request = new HttpRequestMessage(
            HttpMethod.Post, "v1/chat/completions") { Content =
            RunningServer.Json(RunningServer.ChatBody($"\"user\":\"{new string('x', 3_000_000)}\"")) };
        if (chunked) (request.Headers.TransferEncodingChunked, request.Content.Headers.ContentLength) = (true, null);
        var response = await server.Http.SendAsync(request);
        Error(response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement, 413, "invalid_request_error",
            "request_too_large");
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody())).Status);
    }

    [Fact]
    public async Task TooManyImages_AreRefused()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), o => o.MaxImages = 2, inMemory: true);
        var part = RunningServer.ImagePart();
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody(content: $"[{part},{part}]"))).Status);
        var (status, json, _) = await server.ChatAsync(RunningServer.ChatBody(content: $"[{part},{part},{part}]"));
        Error(status, json, 400, "invalid_request_error", "too_many_images", "messages");
    }

    [Fact]
    public async Task TooManyAtOnce_Are429()
    {
        var client = new ScriptedChat { Delay = TimeSpan.FromMilliseconds(300) };
        await using var server = await RunningServer.StartAsync(
            client, o => (o.MaxConcurrentRequests, o.RetryAfterSeconds) = (1, 7), inMemory: true);
        var first = server.ChatAsync(RunningServer.ChatBody());
        while (client.Calls == 0) await Task.Delay(5);
        var (status, json, response) = await server.ChatAsync(RunningServer.ChatBody());
        Error(status, json, 429, "rate_limit_exceeded", "rate_limit_exceeded");
        Assert.Equal("7", response.Headers.GetValues("Retry-After").Single());
        Assert.Equal(HttpStatusCode.OK, (await first).Status);
    }

    [Fact]
    public async Task TheTimeLimit_EndsAnAnswer()
    {
        var client = new ScriptedChat { Delay = TimeSpan.FromSeconds(30) };
        await using var server = await RunningServer.StartAsync(
            client, o => o.RequestTimeout = TimeSpan.FromMilliseconds(100), inMemory: true);
        var (status, json, _) = await server.ChatAsync(RunningServer.ChatBody());
        Error(status, json, 503, "server_error", "timeout");
        Assert.Equal(1, client.Cancelled);
    }

    [Fact]
    public async Task NothingOfARequest_IsLogged()
    {
        using var log = new CollectingProvider();
        var client = new ScriptedChat { Pieces = ["answersecret"], Fails = () => null };
        await using var server = await RunningServer.StartAsync(client, log: log);
        var body = RunningServer.ChatBody(content: $$"""[{"type":"text","text":"promptsecret"},{{RunningServer.ImagePart()}}]""");
        await server.ChatAsync(body);
        await server.ChatAsync("{\"messages\":\"promptsecret");
        client.Fails = () => new InvalidOperationException("promptsecret");
        await server.ChatAsync(body);
        client.Fails = () => null;
        client.FailsAtTheEnd = new InvalidOperationException("answersecret");
        await server.StreamAsync(RunningServer.ChatBody("\"stream\":true", "\"promptsecret\""));
        Assert.NotEmpty(log.Lines);
        Assert.Contains(log.Lines, l => l.Contains("InvalidOperationException", StringComparison.Ordinal));
        var picture = Convert.ToBase64String(TinyPng.Bytes)[30..60];
        Assert.All(log.Lines, l =>
            Assert.False(l.Contains("secret", StringComparison.Ordinal) || l.Contains(picture, StringComparison.Ordinal), l));
    }

    private static void Error(HttpStatusCode status, JsonElement json, int expected, string type, string? code = null, string? param = null)
    {
        Assert.True(expected == (int)status, $"{(int)status} {json}");
        var error = Assert.Single(json.EnumerateObject()).Value;
        Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(p => p.Name));
        Assert.Equal(type, error.GetProperty("type").GetString());
        Assert.False(string.IsNullOrWhiteSpace(error.GetProperty("message").GetString()));
        if (code is not null) Assert.Equal(code, error.GetProperty("code").GetString());
        if (param is not null) Assert.Equal(param, error.GetProperty("param").GetString());
    }

    private static Exception Failure(string name) => name switch
    {
        "image" => new ImageDecodeException("The image is damaged."),
        "context" => new PromptException("The prompt has 5000 tokens, the context 4096.", VisionErrorKind.TooLarge),
        "argument" => new ArgumentOutOfRangeException("x", "It is too big."),
        "unsupported" => new NotSupportedException("No tools here."),
        "pixels" => new ImageDecodeException("Too many pixels.", null, VisionErrorKind.TooLarge),
        "busy" => new EngineBusyException(64),
        "memory" => new EngineOutOfMemoryException(new OutOfMemoryException("secret")),
        "stopping" => new EngineUnavailableException("secret"),
        "files" => new CheckpointException("secret", ["secret"]),
        "disposed" => new ObjectDisposedException("secret"),
        "cancelled" => new OperationCanceledException(),
        "fault" => new InvalidOperationException("secret"),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };
}
