using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>Messages and options of every shape that .NET lets a caller build.</summary>
internal sealed class Conversations(Random random)
{
    private static readonly byte[] Png = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0];
    private static readonly string[] Roles = ["user", "user", "user", "assistant", "system", "tool", "developer", "", "User", "narrator"];
    private static readonly string[] Keys =
    [
        "d2pruner.preset", "d2pruner.method", "d2pruner.keep_ratio", "d2pruner.keep_tokens", "d2pruner.layer", "d2pruner.alpha",
            "d2pruner.theta", "d2pruner.pivot_ratio", "d2pruner.rule",
        "d2pruner.evict_early_kv", "d2pruner.prior", "d2pruner.repetition_penalty", "d2pruner.include_scores", "d2pruner.other",
        "D2PRUNER.PRESET", "mine", "",
    ];

    private static readonly string[] Presets = ["auto", "none", "understanding", "localization", "R1", "d2pruner", "random"];

    public List<ChatMessage> Messages()
    {
        var messages = Enumerable.Range(0, random.Next(5)).Select(_ => Message()).ToList();
        if (random.Next(200) == 0) messages.Add(null!);
        return messages;
    }

    public ChatOptions? Options()
    {
        if (random.Next(8) == 0) return null;
        var options = new ChatOptions();
        for (var n = random.Next(6); n > 0; n--) Set(options);
        return options;
    }

    public object? Result(int depth = 3) => random.Next(depth > 0 ? 18 : 12) switch
    {
        0 => null,
        1 or 2 => Values.Text(random),
        3 => random.Next(),
        4 => random.NextDouble() < 0.3 ? double.NaN : random.NextDouble() * 1e30,
        5 => random.Next(2) == 0,
        6 or 7 or 8 => Element(),
        9 => new TextContent(Values.Text(random)),
        10 => new DataContent(Png, "image/png"),
        11 => random.Next(4) switch { 0 => typeof(string), 1 => new Action(() => { }), 2 => DateTime.MinValue,
            _ => new Uri("relative", UriKind.Relative) },
        12 => Enumerable.Range(0, random.Next(4)).Select(_ => Result(depth - 1)).ToList(),
        13 => Enumerable.Range(0, random.Next(4)).ToDictionary(i => i + Values.Text(random), _ => Result(depth - 1)),
        14 => new AIContent[] { new TextContent(Values.Text(random)), new DataContent(Png, "image/png") },
        15 => Circle(),
        16 => Node(),
        _ => new { a = Values.Text(random), b = Result(depth - 1) },
    };

    private static object Circle()
    {
        var list = new List<object?>();
        list.Add(list);
        return list;
    }

    private JsonNode? Node()
    {
        try
        {
            return JsonNode.Parse(Values.Json(random));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private JsonElement Element()
    {
        try
        {
            return JsonDocument.Parse(Values.Json(random), new JsonDocumentOptions { MaxDepth = 5000 }).RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private ChatMessage Message() =>
        new(new ChatRole(Roles[random.Next(Roles.Length)] is { Length: > 0 } role ? role : "x"),
            [.. Enumerable.Range(0, random.Next(4)).Select(_ => Content())])
    {
        RawRepresentation = random.Next(20) == 0 ? new object() : null,
    };

    private AIContent Content()
    {
        AIContent content = random.Next(14) switch
        {
            < 4 => new TextContent(random.Next(20) == 0 ? null : Values.Text(random)),
            4 or 5 => new DataContent(
                Bytes(), Pick("image/png", "image/*", "application/octet-stream", "audio/wav", "image/svg+xml", "text/plain")),
            6 => Uri(),
            7 => new FunctionCallContent(
                Values.Text(random), Values.Text(random), random.Next(3) == 0 ? null
                : Enumerable.Range(0, random.Next(3)).ToDictionary(i => i + Values.Text(random), _ => Result(2))),
            8 or 9 => new FunctionResultContent(
                Values.Text(random), Result()) { Exception = random.Next(5) == 0 ? new InvalidOperationException("x") : null },
            10 => new ErrorContent(Values.Text(random)),
            11 => new TextReasoningContent(Values.Text(random)),
            12 => new UsageContent(new UsageDetails()),
            _ => new AIContent(),
        };
        if (random.Next(100) == 0) return null!;
        if (random.Next(4) == 0) content.AdditionalProperties = Properties();
        return content;
    }

    private byte[] Bytes()
    {
        if (random.Next(2) == 0) return Png;
        var bytes = new byte[random.Next(40)];
        random.NextBytes(bytes);
        return bytes;
    }

    private AIContent Uri()
    {
        try
        {
            return new UriContent(Pick(
                "data:image/png;base64,iVBORw0KGgo=", "data:,", "data:image/png,%89PNG", "file:///etc/passwd", "http://127.0.0.1/x",
                "ftp://a/b", "urn:x", "x:"), Pick("image/png", "image/*", "audio/wav"));
        }
        catch (Exception e) when (e is UriFormatException or ArgumentException)
        {
            return new TextContent("no uri");
        }
    }

    private AdditionalPropertiesDictionary Properties()
    {
        var bag = new AdditionalPropertiesDictionary();
        for (var n = random.Next(4); n > 0; n--)
        {
            bag[Keys[random.Next(Keys.Length)]] =
                random.Next(4) switch { 0 => Presets[random.Next(Presets.Length)], 1 => (random.NextDouble() * 2) - 0.5,
                    2 => random.Next(-2, 100), _ => Result(2) };
        }

        return bag;
    }

    private void Set(ChatOptions o)
    {
        switch (random.Next(20))
        {
            case 0: o.Temperature = Single(); break;
            case 1: o.TopP = Single(); break;
            case 2: o.TopK = random.Next(-2, 100); break;
            case 3: o.Seed = random.NextInt64(long.MinValue, long.MaxValue); break;
            case 4: o.MaxOutputTokens = random.Next(5) == 0 ? random.Next(-2, 2) : random.Next(); break;
            case 5: o.StopSequences = [Values.Text(random), null!, ""]; break;
            case 6: o.FrequencyPenalty = Single(); break;
            case 7: o.PresencePenalty = Single(); break;
            case 8: o.Instructions = Values.Text(random); break;
            case 9: o.ModelId = Pick("scripted", "other", "", " "); break;
            case 10: o.ConversationId = Values.Text(random); break;
            case 11 or 12: o.ResponseFormat = Format(); break;
            case 13 or 14: o.Tools = [.. Enumerable.Range(0, random.Next(3)).Select(_ => Tool())]; break;
            case 15: o.ToolMode = random.Next(
                4) switch { 0 => ChatToolMode.RequireAny, 1 => ChatToolMode.RequireSpecific(Pick("f", "g")), 2 => ChatToolMode.None,
                _ => ChatToolMode.Auto }; break;
            case 16: o.AllowMultipleToolCalls = random.Next(2) == 0; break;
            case 17: o.RawRepresentationFactory = _ => random.Next(2) == 0
                ? new VisionGenerationSettings { Temperature = random.NextDouble() - 0.2,
                    Pruning = { KeepRatio = random.NextDouble() * 1.2 } } : new object(); break;
            default: o.AdditionalProperties = Properties(); break;
        }
    }

    private ChatResponseFormat Format()
    {
        if (random.Next(4) == 0) return random.Next(2) == 0 ? ChatResponseFormat.Json : ChatResponseFormat.Text;
        try
        {
            var schema = JsonDocument.Parse(
                new SchemaMaker(random).Next(), new JsonDocumentOptions { MaxDepth = 5000 }).RootElement.Clone();
            return ChatResponseFormat.ForJsonSchema(
                schema, random.Next(2) == 0 ? "Name" : null, random.Next(2) == 0 ? Values.Text(random) : null);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return ChatResponseFormat.Json;
        }
    }

    private AITool Tool()
    {
        if (random.Next(12) == 0) return new HostedWebSearchTool();
        try
        {
            return AIFunctionFactory.CreateDeclaration(
                Pick("f", "g", Values.Text(random)), Values.Text(random),
                JsonDocument.Parse(new SchemaMaker(random).Next(), new JsonDocumentOptions { MaxDepth = 5000 }).RootElement.Clone());
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return new HostedWebSearchTool();
        }
    }

    private float Single() => random.Next(6) switch { 0 => float.NaN, 1 => float.PositiveInfinity, 2 => -1, _ => random.NextSingle() * 3 };

    private string Pick(params string[] texts) => texts[random.Next(texts.Length)];
}
