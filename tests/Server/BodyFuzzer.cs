using System.Text;
using System.Text.Json.Nodes;
using D2Pruner.AI.Tests.Provider;

namespace D2Pruner.AI.Tests.Server;

/// <summary>Bodies that are nearly right: a whole request with some of its values, names and bytes changed.</summary>
internal sealed class BodyFuzzer(int seed)
{
    private static readonly string Image = Convert.ToBase64String(TinyPng.Bytes);

    private static readonly string[] Names =
    [
        "model", "messages", "role", "content", "type", "text", "image_url", "url", "detail", "stream", "stream_options", "include_usage",
            "max_tokens", "temperature", "top_p", "top_k", "seed", "stop",
        "response_format", "json_schema", "schema", "tools", "function", "name", "parameters", "tool_choice", "n", "logprobs", "pruning",
        "preset", "keep_ratio", "keep_tokens", "layer", "prior", "tool_calls", "arguments", "prompt",
    ];

    private readonly Random _random = new(seed);

    /// <summary>One body, and the endpoint that it is for.</summary>
    public (string Path, byte[] Body) Next()
    {
        var chat = _random.Next(10) > 0;
        var body = chat ? Chat() : new JsonObject { ["prompt"] = "Hello", ["max_tokens"] = 3, ["stream"] = _random.Next(2) == 0 };
        for (var changes = _random.Next(4); changes > 0; changes--) Change(body);
        var bytes = Encoding.UTF8.GetBytes(body.ToJsonString());
        if (_random.Next(6) == 0) bytes = Damage(bytes);
        return (chat ? "v1/chat/completions" : "v1/completions", bytes);
    }

    private JsonObject Chat()
    {
        var body = new JsonObject
        {
            ["model"] = "scripted-7b",
            ["messages"] = new JsonArray(
                new JsonObject { ["role"] = "system", ["content"] = "Be brief." },
                new JsonObject
                {
                    ["role"] = "user",
                    ["content"] = new JsonArray(
                        new JsonObject { ["type"] = "text", ["text"] = "Where is it?" },
                        new JsonObject { ["type"] = "image_url",
                            ["image_url"] = new JsonObject { ["url"] = "data:image/png;base64," + Image },
                            ["pruning"] = new JsonObject { ["keep_ratio"] = 0.5 } }),
                },
                new JsonObject { ["role"] = "assistant", ["content"] = null,
                    ["tool_calls"] = new JsonArray(
                        new JsonObject { ["id"] = "c", ["type"] = "function",
                            ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = "{\"a\":1}" } }) },
                new JsonObject { ["role"] = "tool", ["tool_call_id"] = "c", ["content"] = "blue" }),
            ["stream"] = _random.Next(2) == 0,
            ["max_tokens"] = 5,
            ["temperature"] = 0.5,
            ["stop"] = new JsonArray("x"),
            ["pruning"] = new JsonObject { ["preset"] = "localization", ["keep_ratio"] = 0.5, ["layer"] = 2 },
        };
        if (_random.Next(3) == 0)
            body["tools"] = new JsonArray(
                new JsonObject { ["type"] = "function",
                    ["function"] = new JsonObject { ["name"] = "f", ["description"] = "d", ["parameters"] = Schema() } });
        if (_random.Next(3) == 0)
            body["response_format"] =
                new JsonObject { ["type"] = "json_schema", ["json_schema"] = new JsonObject { ["name"] = "a", ["schema"] = Schema() } };
        return body;
    }

    private static JsonObject Schema() =>
        new() { ["type"] = "object",
            ["properties"] = new JsonObject { ["a"] = new JsonObject { ["type"] = "integer" },
                ["b"] = new JsonObject { ["enum"] = new JsonArray("x", "y") } }, ["required"] = new JsonArray("a") };

    private void Change(JsonNode root)
    {
        var nodes = new List<JsonNode>();
        Walk(root);
        switch (nodes[_random.Next(nodes.Count)])
        {
            case JsonObject o when o.Count > 0 && _random.Next(3) > 0:
                var key = o.ElementAt(_random.Next(o.Count)).Key;
                if (_random.Next(4) == 0) o.Remove(key);
                else o[key] = Value(0);
                break;
            case JsonObject o:
                o[_random.Next(3) == 0 ? Text() : Names[_random.Next(Names.Length)]] = Value(0);
                break;
            case JsonArray a when a.Count > 0 && _random.Next(2) == 0:
                a[_random.Next(a.Count)] = Value(0);
                break;
            case JsonArray a:
                for (var n = _random.Next(1, 20); n > 0; n--) a.Add(Value(1));
                break;
        }

        void Walk(JsonNode node)
        {
            if (node is not (JsonObject or JsonArray)) return;
            nodes.Add(node);
            foreach (var child in node is JsonObject o ? o.Select(p => p.Value) : (JsonArray)node) if (child is not null) Walk(child);
        }
    }

    private JsonNode? Value(int depth) => _random.Next(14) switch
    {
        0 => null,
        1 => true,
        2 => false,
        3 => _random.Next(-3, 3),
        4 => JsonNode.Parse(_random.Next(4) switch { 0 => "1e400", 1 => "-0.0", 2 => "123456789012345678901234567890", _ => "1.5e-320" }),
        5 => long.MaxValue,
        6 => _random.NextDouble() * 4 - 1,
        7 => Text(),
        8 => new JsonObject { [Names[_random.Next(Names.Length)]] = depth < 3 ? Value(depth + 1) : null },
        9 => new JsonArray(depth < 3 ? Value(depth + 1) : null, Text()),
        10 => Deep(_random.Next(80)),
        11 => "data:image/png;base64," + Image[.._random.Next(Image.Length)],
        12 => _random.Next(6) switch { 0 => "none", 1 => "required", 2 => "user", 3 => "auto", 4 => "file:///etc/passwd",
            _ => "http://127.0.0.1:9/x.png" },
        _ => new string('a', _random.Next(5000)),
    };

    private static JsonArray Deep(int depth)
    {
        var array = new JsonArray();
        for (; depth > 0; depth--) array = new JsonArray(array);
        return array;
    }

    private string Text() => new([.. Enumerable.Range(0, _random.Next(12)).Select(_ => _random.Next(8) switch
    {
        0 => '\0', 1 => '"', 2 => '\\', 3 => '\u00e9', 4 => '\u4e2d', 5 => '/', _ => (char)_random.Next(32, 127),
    })]);

    private byte[] Damage(byte[] bytes)
    {
        if (bytes.Length == 0) return bytes;
        var at = _random.Next(bytes.Length);
        switch (_random.Next(6))
        {
            case 0: return bytes[..at];
            case 1: bytes[at] = (byte)_random.Next(256); return bytes;
            case 2: return [.. bytes, .. bytes];
            // Half of a surrogate pair as an escape, wherever a string may be.
            case 3: return Encoding.UTF8.GetBytes(
                Encoding.UTF8.GetString(bytes).Replace("Be brief.", "\\ud800", StringComparison.Ordinal)
                .Replace("\"preset\"", _random.Next(2) == 0 ? "\"\\udc00\"" : "\"preset\"", StringComparison.Ordinal));
            case 4: return [.. bytes[..at], 0xC3, 0x28, .. bytes[at..]];
            default: return Encoding.UTF8.GetBytes(new string('[', _random.Next(200)) + new string('{', _random.Next(3)));
        }
    }
}
