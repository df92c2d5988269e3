using System.Net;
using System.Text.Json;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Server;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>OpenAI's shapes, byte by byte where its clients are strict.</summary>
public sealed class ChatEndpointTests
{
    [Fact]
    public async Task WholeAnswer_HasOpenAIsShape()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat());
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var (status, json, response) = await server.ChatAsync(RunningServer.ChatBody("\"model\":\"scripted\""));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.StartsWith("chatcmpl-", json.GetProperty("id").GetString());
        Assert.Equal("chat.completion", json.GetProperty("object").GetString());
        Assert.InRange(json.GetProperty("created").GetInt64(), before, before + 60);
        Assert.Equal("scripted", json.GetProperty("model").GetString());
        var choice = Assert.Single(json.GetProperty("choices").EnumerateArray());
        Assert.Equal(0, choice.GetProperty("index").GetInt32());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        var message = choice.GetProperty("message");
        Assert.Equal(("assistant", "It is a cat."), (message.GetProperty("role").GetString(), message.GetProperty("content").GetString()));
        Assert.Equal(JsonValueKind.Null, message.GetProperty("refusal").ValueKind);
        Assert.False(message.TryGetProperty("tool_calls", out _));
        var usage = json.GetProperty("usage");
        Assert.Equal((11, 3, 14),
            (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32(),
                usage.GetProperty("total_tokens").GetInt32()));
        Assert.Equal(4, usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
        Assert.True(json.TryGetProperty("system_fingerprint", out _));
    }

    [Fact]
    public async Task Stream_IsDataLines_AndEndsWithDone()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat());
        var events = await server.StreamAsync(RunningServer.ChatBody("\"stream\":true"));
        Assert.Equal("[DONE]", events[^1]);
        var chunks = events[..^1].Select(e => JsonDocument.Parse(e).RootElement).ToList();
        Assert.All(chunks, c => Assert.Equal("chat.completion.chunk", c.GetProperty("object").GetString()));
        Assert.Single(chunks.Select(c => c.GetProperty("id").GetString()).Distinct());
        Assert.Equal("assistant", chunks[0].GetProperty("choices")[0].GetProperty("delta").GetProperty("role").GetString());
        Assert.Equal("It is a cat.",
            string.Concat(chunks.Select(c => c.GetProperty("choices")[0].GetProperty("delta"))
                .Select(d => d.TryGetProperty("content", out var t) ? t.GetString() : "")));
        Assert.Equal(5, chunks.Count); // role, three pieces, the end
        Assert.All(chunks[..^1], c => Assert.Equal(JsonValueKind.Null, c.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind));
        Assert.Equal("stop", chunks[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.All(chunks, c => Assert.False(c.TryGetProperty("usage", out _)));
    }

    [Fact]
    public async Task Stream_WithUsage_EndsWithAChunkWithoutChoices()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat());
        var events = await server.StreamAsync(RunningServer.ChatBody("\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
        var chunks = events[..^1].Select(e => JsonDocument.Parse(e).RootElement).ToList();
        Assert.All(chunks[..^1], c => Assert.Equal(JsonValueKind.Null, c.GetProperty("usage").ValueKind));
        Assert.Equal(0, chunks[^1].GetProperty("choices").GetArrayLength());
        Assert.Equal(14, chunks[^1].GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PruningAndGroundings_RideOnTheAnswer(bool usage)
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine { Pieces = ["A cat at ", "[0.25, 0.5, 0.5, 0.75]"] });
        await using var server = await RunningServer.StartAsync(client);
        var content = $$"""[{"type":"text","text":"Where is the cat?"},{{RunningServer.ImagePart()}}]""";
        var (_, whole, _) = await server.ChatAsync(
            RunningServer.ChatBody("\"pruning\":{\"preset\":\"localization\",\"keep_ratio\":0.5}", content));
        var events = await server.StreamAsync(RunningServer.ChatBody($"\"stream\":true,\"stream_options\":{{\"include_usage\":{(usage ? "true" : "false")}}},\"pruning\":{{\"preset\":\"localization\"}}", content));
        foreach (var json in new[] { whole, JsonDocument.Parse(events[^2]).RootElement })
        {
            var pruning = json.GetProperty("pruning");
            foreach (var key in new[] { "preset", "reason", "method", "layer", "alpha", "prior", "visual_tokens", "visual_tokens_kept",
                "images" }) Assert.True(pruning.TryGetProperty(key, out _), key);
            Assert.Equal("localization", pruning.GetProperty("preset").GetString());
            Assert.Equal((4, 2), (pruning.GetProperty("visual_tokens").GetInt32(), pruning.GetProperty("visual_tokens_kept").GetInt32()));
            var image = pruning.GetProperty("images")[0];
            Assert.Equal([1, 2], image.GetProperty("kept").EnumerateArray().Select(k => k.GetInt32()));
            Assert.Equal((200, 100), (image.GetProperty("width").GetInt32(), image.GetProperty("height").GetInt32()));
            Assert.Equal((2, -50.0, 100.0),
                (image.GetProperty("grids")[0].GetProperty("rows").GetInt32(), image.GetProperty("grids")[0].GetProperty("y").GetDouble(),
                    image.GetProperty("grids")[0].GetProperty("cell_width").GetDouble()));
            var box = Assert.Single(json.GetProperty("groundings").EnumerateArray());
            // The unit square of a 200x200 frame around a 200x100 image.
            Assert.Equal([0.25, 0.5, 0.5, 1.0], box.GetProperty("box").EnumerateArray().Select(v => v.GetDouble()));
            Assert.Equal([50, 50, 100, 100], box.GetProperty("box_pixels").EnumerateArray().Select(v => v.GetInt32()));
            Assert.Equal(0, box.GetProperty("image").GetInt32());
            Assert.Equal((9, 31), (box.GetProperty("start").GetInt32(), box.GetProperty("end").GetInt32()));
        }

        Assert.All(events[..^2], e => Assert.DoesNotContain("\"pruning\"", e));
    }

    [Fact]
    public async Task ToolCalls_AreWholeInBothForms()
    {
        var client = new ScriptedChat { Script = (_, _) =>
            [new TextContent("Let me see. "), new FunctionCallContent("c1", "look", new Dictionary<string, object?> { ["at"] = "sky" }),
                new FunctionCallContent("c2", "rest")] };
        await using var server = await RunningServer.StartAsync(client);
        const string tools = """
            "tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object","properties":{"at":{"type":"string"}}}}}],"tool_choice":"auto","parallel_tool_calls":true
            """;
        var (_, json, _) = await server.ChatAsync(RunningServer.ChatBody(tools));
        var choice = json.GetProperty("choices")[0];
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        var calls = choice.GetProperty("message").GetProperty("tool_calls");
        Assert.Equal(("c1", "function", "look", """{"at":"sky"}"""),
            (calls[0].GetProperty("id").GetString(), calls[0].GetProperty("type").GetString(),
                calls[0].GetProperty("function").GetProperty("name").GetString(),
                calls[0].GetProperty("function").GetProperty("arguments").GetString()));
        Assert.Equal("{}", calls[1].GetProperty("function").GetProperty("arguments").GetString());
        var asked = client.Last.Options!;
        Assert.Equal("look", Assert.IsAssignableFrom<AIFunctionDeclaration>(Assert.Single(asked.Tools!)).Name);
        Assert.Equal(ChatToolMode.Auto, asked.ToolMode);
        Assert.True(asked.AllowMultipleToolCalls);

        var events = await server.StreamAsync(RunningServer.ChatBody("\"stream\":true," + tools));
        var deltas = events[..^1].Select(e => JsonDocument.Parse(e).RootElement.GetProperty("choices")[0]).ToList();
        Assert.Equal([0, 1], deltas.Where(d => d.GetProperty("delta").TryGetProperty("tool_calls", out _))
            .Select(d => d.GetProperty("delta").GetProperty("tool_calls")[0].GetProperty("index").GetInt32()));
        Assert.Equal("tool_calls", deltas[^1].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task CallsThatTheServedClientRuns_AreNotTheCallers()
    {
        var chat = new ScriptedChat
        {
            Script = (messages, _) => messages[^1].Role == ChatRole.Tool ? null : [new FunctionCallContent("c1", "look")],
        };
        await using var server = await RunningServer.StartAsync(Looking(chat));
        var (_, json, _) = await server.ChatAsync(RunningServer.ChatBody());
        Assert.Equal(2, chat.Calls);
        var choice = json.GetProperty("choices")[0];
        Assert.Equal(("It is a cat.", "stop"),
            (choice.GetProperty("message").GetProperty("content").GetString(), choice.GetProperty("finish_reason").GetString()));
        Assert.False(choice.GetProperty("message").TryGetProperty("tool_calls", out _));

        var events = await server.StreamAsync(RunningServer.ChatBody("\"stream\":true"));
        Assert.Equal(4, chat.Calls);
        var deltas = events[..^1].Select(e => JsonDocument.Parse(e).RootElement.GetProperty("choices")[0]).ToList();
        Assert.Equal("It is a cat.",
            string.Concat(deltas.Select(d => d.GetProperty("delta").TryGetProperty("content", out var text) ? text.GetString() : "")));
        Assert.All(deltas, d => Assert.False(d.GetProperty("delta").TryGetProperty("tool_calls", out _)));
        Assert.Equal("stop", deltas[^1].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task CallsOfTheCallersTools_AreSent_BesideThoseThatTheServedClientRan()
    {
        // One id for both: some models number their calls anew in every turn.
        var chat = new ScriptedChat
        {
            Script = (messages, _) => [new FunctionCallContent("c1", messages[^1].Role == ChatRole.Tool ? "ask" : "look")],
        };
        await using var server = await RunningServer.StartAsync(Looking(chat));
        const string tools = """
            "tools":[{"type":"function","function":{"name":"ask","parameters":{"type":"object","properties":{}}}}]
            """;
        var (_, json, _) = await server.ChatAsync(RunningServer.ChatBody(tools));
        var choice = json.GetProperty("choices")[0];
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        var whole = Assert.Single(choice.GetProperty("message").GetProperty("tool_calls").EnumerateArray());
        Assert.Equal("ask", whole.GetProperty("function").GetProperty("name").GetString());

        var events = await server.StreamAsync(RunningServer.ChatBody("\"stream\":true," + tools));
        var deltas = events[..^1].Select(e => JsonDocument.Parse(e).RootElement.GetProperty("choices")[0]).ToList();
        var delta = Assert.Single(deltas, d => d.GetProperty("delta").TryGetProperty("tool_calls", out _)).GetProperty("delta");
        var streamed = Assert.Single(delta.GetProperty("tool_calls").EnumerateArray());
        Assert.Equal((0, "ask"),
            (streamed.GetProperty("index").GetInt32(), streamed.GetProperty("function").GetProperty("name").GetString()));
        Assert.Equal("tool_calls", deltas[^1].GetProperty("finish_reason").GetString());
    }

    // A client that runs the function "look" itself.
    private static IChatClient Looking(ScriptedChat chat)
    {
        var look = AIFunctionFactory.Create(() => "blue", "look");
        return chat.AsBuilder().UseFunctionInvocation(configure: c => c.AdditionalTools = [look]).Build();
    }

    [Fact]
    public async Task ANamedSchema_WithItsDialect_KeepsWhatMayBeLeftOut()
    {
        var engine = new ScriptedEngine { Pieces = ["{}"] };
        using var client = new D2PrunerChatClient(engine);
        await using var server = await RunningServer.StartAsync(client);
        var (status, _, _) = await server.ChatAsync(RunningServer.ChatBody("""
            "response_format":{"type":"json_schema","json_schema":{"name":"thing","schema":{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]}}}
            """));
        Assert.Equal(HttpStatusCode.OK, status);
        var schema = JsonDocument.Parse(engine.Last.Turns[^1].Text.Split('\n')[^1]).RootElement;
        Assert.Equal(["a"], schema.GetProperty("required").EnumerateArray().Select(r => r.GetString()));
        Assert.Equal(["a", "b"], schema.GetProperty("properties").EnumerateObject().Select(p => p.Name));
    }

    [Theory]
    [InlineData("""{"prior":"/etc/passwd"}""")]
    [InlineData("""{"Reuse":"frozen"}""")]
    [InlineData("""{"seed":[1]}""")]
    public async Task Parameters_AreNoWayAroundTheFields(string parameters)
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat());
        Assert.Equal(HttpStatusCode.BadRequest,
            (await server.ChatAsync(RunningServer.ChatBody($"\"pruning\":{{\"parameters\":{parameters}}}"))).Status);
    }

    [Theory]
    [InlineData("indoor.v2")]
    [InlineData("kitchen, west")]
    public async Task APrior_HasAnyNameThatAnOperatorMayGive(string name)
    {
        PriorCatalog.CheckNames([KeyValuePair.Create(name, "prior.safetensors")]);
        var client = new ScriptedChat();
        await using var server = await RunningServer.StartAsync(client, inMemory: true);
        var (status, _, _) = await server.ChatAsync(RunningServer.ChatBody($"\"pruning\":{{\"prior\":\"{name}\"}}"));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(name, client.Last.Options!.AdditionalProperties![D2PrunerKeys.Prior] as string);
    }

    [Fact]
    public void Scores_KeepTheirOrder()
    {
        // Of 2,880 tokens none has much.
        float[] raw = [.. Enumerable.Range(0, 2880).Select(i => 1e-5f + (i * 1237 % 2880 * 2e-9f))];
        var json = PruningJson.Full(new PruningReport { Images = [new PrunedImageReport { Scores = raw, Attention = raw }] });
        foreach (var name in new[] { "scores", "attention" })
        {
            double[] written = [.. json["images"]![0]![name]!.AsArray().Select(v => v!.GetValue<double>())];
            Assert.Equal(Order(raw), Order(written));
        }

        static int[] Order<T>(T[] values) => [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i])];
    }

    [Fact]
    public async Task EveryField_ReachesTheClient()
    {
        var client = new ScriptedChat();
        await using var server = await RunningServer.StartAsync(client);
        const string fields = """
            "max_tokens":7,"temperature":0.5,"top_p":0.9,"top_k":4,"seed":9007199254740993,"stop":["a","b"],"frequency_penalty":0.1,"presence_penalty":-0.2,"user":"u","n":1,
            "response_format":{"type":"json_schema","json_schema":{"name":"thing","description":"d","schema":{"type":"object"},"strict":true}},
            "pruning":{"preset":"Understanding","keep_ratio":0.25,"layer":3,"method":"d2pruner","alpha":0.5,"theta":0.7,"pivot_ratio":0.6,"prior":"uniform","rule":"R2","evict_early_kv":true,"include_scores":true,"reuse":"frozen","parameters":{"ladder_step":0.05,"positions":"reindexed"}},
            "unknown_field":{"x":1},"service_tier":"auto","store":false,"metadata":{"a":"b"}
            """;
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody(fields))).Status);
        var o = client.Last.Options!;
        Assert.Equal((7, 0.5f, 0.9f, 4, 9007199254740993), (o.MaxOutputTokens, o.Temperature, o.TopP, o.TopK, o.Seed));
        Assert.Equal((0.1f, -0.2f), (o.FrequencyPenalty, o.PresencePenalty));
        Assert.Equal(["a", "b"], o.StopSequences!);
        var format = Assert.IsType<ChatResponseFormatJson>(o.ResponseFormat);
        Assert.Equal(("thing", "d", """{"type":"object"}"""),
            (format.SchemaName, format.SchemaDescription, format.Schema!.Value.GetRawText()));
        foreach (var (key, value) in new (string, object)[]
        {
            ("preset", "Understanding"), ("keep_ratio", 0.25), ("layer", 3), ("method", "d2pruner"), ("alpha", 0.5), ("theta", 0.7),
                ("pivot_ratio", 0.6), ("prior", "uniform"), ("rule", "R2"),
            ("evict_early_kv", true), ("include_scores", true), ("reuse", "Frozen"), ("ladder_step", 0.05), ("positions", "reindexed"),
        }) Assert.Equal(value, o.AdditionalProperties!["d2pruner." + key]);
        Assert.Null(o.ModelId);

        Assert.Equal(HttpStatusCode.OK,
            (await server.ChatAsync(RunningServer.ChatBody(
                "\"max_completion_tokens\":5,\"max_tokens\":7,\"stop\":\"x\",\"response_format\":{\"type\":\"json_object\"}"))).Status);
        Assert.Equal((5, "x"), (client.Last.Options!.MaxOutputTokens, Assert.Single(client.Last.Options.StopSequences!)));
        Assert.Same(ChatResponseFormat.Json, client.Last.Options.ResponseFormat);
    }

    // What OpenAI and other servers take too.
    [Theory]
    [InlineData("\"top_p\":0", 0f, null, null)]
    [InlineData("\"top_p\":0,\"temperature\":1.5,\"top_k\":3", 0f, null, 3)]
    [InlineData("\"top_p\":1e-60", 0f, null, null)]
    [InlineData("\"top_k\":0", null, null, null)]
    [InlineData("\"top_k\":-1,\"top_p\":0.5", null, 0.5f, null)]
    public async Task SamplingThatIsOff_IsTaken(string fields, float? temperature, float? topP, int? topK)
    {
        var client = new ScriptedChat();
        await using var server = await RunningServer.StartAsync(client, inMemory: true);
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody(fields))).Status);
        var o = client.Last.Options!;
        Assert.Equal((temperature, topP, topK), (o.Temperature, o.TopP, o.TopK));
    }

    // The framework's adapter over OpenAI's package writes "null".
    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("")]
    public async Task ACallWithoutArguments_HasNone(string arguments)
    {
        var client = new ScriptedChat();
        await using var server = await RunningServer.StartAsync(client, inMemory: true);
        var body = """
            {"messages":[
              {"role":"user","content":"Hello?"},
              {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"ARGUMENTS"}}]},
              {"role":"tool","tool_call_id":"c1","content":"blue"}
            ]}
            """.Replace("ARGUMENTS", arguments, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(body)).Status);
        Assert.Empty(Assert.IsType<FunctionCallContent>(Assert.Single(client.Last.Messages[1].Contents)).Arguments!);
    }

    [Fact]
    public async Task EveryKindOfMessage_ReachesTheClient_InOrder()
    {
        var client = new ScriptedChat();
        await using var server = await RunningServer.StartAsync(client);
        var body = """
            {"messages":[
              {"role":"developer","content":"Be brief."},{"role":"system","content":[{"type":"text","text":"Really."}]},
              {"role":"user","name":"ann","content":[{"type":"text","text":"What is "},{"type":"image_url","image_url":{"url":"data:image/png;base64,IMAGE","detail":"high"},"pruning":{"keep_ratio":0.5}},{"type":"text","text":"this?"}]},
              {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"at\":[1,2]}"}}]},
              {"role":"tool","tool_call_id":"c1","content":"blue"},
              {"role":"assistant","content":[{"type":"refusal","refusal":"No."}]}
            ]}
            """.Replace("IMAGE", Convert.ToBase64String(TinyPng.Bytes), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(body)).Status);
        var messages = client.Last.Messages;
        Assert.Equal(["system", "system", "user", "assistant", "tool", "assistant"], messages.Select(m => m.Role.Value));
        Assert.Equal("Be brief.", messages[0].Text);
        var image = Assert.IsType<DataContent>(messages[2].Contents[1]);
        Assert.Equal("image/png", image.MediaType);
        Assert.Equal(TinyPng.Bytes, image.Data.ToArray());
        Assert.Equal(0.5, image.AdditionalProperties!["d2pruner.keep_ratio"]);
        Assert.Equal("this?", ((TextContent)messages[2].Contents[2]).Text);
        var call = Assert.IsType<FunctionCallContent>(Assert.Single(messages[3].Contents));
        Assert.Equal(("c1", "look", "[1,2]"), (call.CallId, call.Name, ((JsonElement)call.Arguments!["at"]!).GetRawText()));
        var result = Assert.IsType<FunctionResultContent>(Assert.Single(messages[4].Contents));
        Assert.Equal(("c1", "blue"), (result.CallId, result.Result));
        Assert.Equal("No.", messages[5].Text);
    }

    [Fact]
    public async Task Completions_AreOneUserMessage()
    {
        var client = new ScriptedChat { Reason = ChatFinishReason.Length };
        await using var server = await RunningServer.StartAsync(client);
        var (status, json, _) = await server.ChatAsync("""{"model":"scripted","prompt":"Once","max_tokens":3}""", "v1/completions");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("text_completion", json.GetProperty("object").GetString());
        var choice = json.GetProperty("choices")[0];
        Assert.Equal(("It is a cat.", "length"), (choice.GetProperty("text").GetString(), choice.GetProperty("finish_reason").GetString()));
        Assert.Equal((ChatRole.User, "Once"), (client.Last.Messages[0].Role, client.Last.Messages[0].Text));
        Assert.Equal(3, client.Last.Options!.MaxOutputTokens);
        var events = await server.StreamAsync("""{"prompt":["Once"],"stream":true}""", "v1/completions");
        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal("It is a cat.",
            string.Concat(events[..^1]
                .Select(e => JsonDocument.Parse(e).RootElement.GetProperty("choices")[0].GetProperty("text").GetString())));
        Assert.Equal(16, client.Last.Options!.MaxOutputTokens);
    }

    [Fact]
    public async Task Models_AreListed_AndFoundByKeyOrId()
    {
        await using var server = await RunningServer.StartAsync(services =>
        {
            services.AddKeyedChatClientOf("describe", new D2PrunerChatClient(new ScriptedEngine()));
            services.AddKeyedChatClientOf("other", new ScriptedChat("other-7b"));
        });
        var list = JsonDocument.Parse(await server.Http.GetStringAsync("v1/models")).RootElement;
        Assert.Equal("list", list.GetProperty("object").GetString());
        Assert.Equal(["describe", "other"], list.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()));
        var model = JsonDocument.Parse(await server.Http.GetStringAsync("v1/models/describe")).RootElement;
        Assert.Equal(("model", "d2pruner"), (model.GetProperty("object").GetString(), model.GetProperty("owned_by").GetString()));
        var extension = model.GetProperty("d2pruner");
        Assert.Equal(("llava", 4096, "float32", "ready"),
            (extension.GetProperty("family").GetString(), extension.GetProperty("context").GetInt32(),
                extension.GetProperty("dtype").GetString(), extension.GetProperty("state").GetString()));
        Assert.Equal(["auto", "understanding", "localization", "none"],
            extension.GetProperty("presets").EnumerateArray().Select(p => p.GetString()));
        // By the client's own model id too, and answers carry the name here.
        var (status, json, _) = await server.ChatAsync(RunningServer.ChatBody("\"model\":\"other-7b\""));
        Assert.Equal((HttpStatusCode.OK, "other"), (status, json.GetProperty("model").GetString()));
        // Several models: one must be named.
        var (missing, error, _) = await server.ChatAsync(RunningServer.ChatBody());
        Assert.Equal((HttpStatusCode.BadRequest, "model"), (missing, error.GetProperty("error").GetProperty("param").GetString()));
        Assert.DoesNotContain("/secret/path", list.GetRawText());
    }
}
