using System.Text.Json;
using System.Text.Json.Nodes;

namespace D2Pruner.AI.Tests.Constraints;

/// <summary>Random JSON schemas of the supported subset, with bounds, so that noise comes to an end.</summary>
internal sealed class SchemaGenerator(int seed, bool plain = false)
{
    private static readonly string[] Names = ["a", "ab", "label", "bbox_2d", "x y", "né\"w", "name", "na", "items", "日本"];
    private readonly Random _random = new(seed);
    private bool _definitions;

    public JsonElement Next()
    {
        _definitions = !plain && _random.Next(3) == 0;
        var root = _random.Next(5) == 0 ? Schema(2) : Object(2);
        if (_definitions)
        {
            root["$defs"] = new JsonObject
            {
                ["leaf"] = Schema(0),
                ["tree"] = new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject
                    {
                        ["v"] = new JsonObject { ["type"] = "boolean" },
                        ["next"] = new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["$ref"] = "#/$defs/tree" },
                            ["maxItems"] = 2 },
                    },
                    ["required"] = new JsonArray("v"),
                    ["additionalProperties"] = false,
                },
            };
        }

        return JsonDocument.Parse(root.ToJsonString()).RootElement.Clone();
    }

    private JsonObject Schema(int depth)
    {
        switch (_random.Next(depth > 0 ? 13 : 8))
        {
            case 0:
                var min = _random.Next(4);
                return new JsonObject { ["type"] = "string", ["minLength"] = min, ["maxLength"] = min + _random.Next(7) };
            case 1 or 2:
                var (low, wide) = (_random.Next(-3000, 3000), _random.Next(3) == 0 ? _random.Next(2) : _random.Next(100000));
                return new JsonObject { ["type"] = "integer", ["minimum"] = low, ["maximum"] = low + wide };
            case 3:
                return new JsonObject { ["type"] = "number" };
            case 4:
                return new JsonObject { ["type"] = "boolean" };
            case 5:
                return new JsonObject { ["enum"] = new JsonArray("red", "green", "gr\"ün", "日本", 7, true, null) };
            case 6:
                return plain ? new JsonObject { ["type"] = "integer" } : new JsonObject { ["const"] = _random.Next(2) == 0 ? "fixed" : 12 };
            case 7:
                return new JsonObject { ["type"] = new JsonArray("string", "null"), ["maxLength"] = 5 };
            case 8 or 9:
                return Object(depth - 1);
            case 10:
                var least = _random.Next(3);
                return new JsonObject { ["type"] = "array", ["items"] = Schema(depth - 1), ["minItems"] = least,
                    ["maxItems"] = least + _random.Next(3) };
            case 11:
                return new JsonObject { ["anyOf"] = new JsonArray(Schema(depth - 1), Schema(depth - 1)) };
            default:
                return _definitions ? new JsonObject { ["$ref"] = _random.Next(2) == 0 ? "#/$defs/tree" : "#/$defs/leaf" }
                    : Schema(depth - 1);
        }
    }

    private JsonObject Object(int depth)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var name in Names.OrderBy(_ => _random.Next()).Take(_random.Next(1, 5)))
        {
            properties[name] = Schema(depth);
            if (_random.Next(2) == 0) required.Add(name);
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
        switch (_random.Next(4))
        {
            case 0:
                schema["additionalProperties"] = false;
                break;
            case 1 when !plain && !properties.Any(p => p.Key.Any(c => c > 0x7f)):
                schema["additionalProperties"] = Schema(0);
                break;
        }

        return schema;
    }
}
