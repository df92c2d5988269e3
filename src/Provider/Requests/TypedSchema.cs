using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>
/// Schemas that the framework made of a .NET type. It lists constructor parameters and <c>required</c> members as required and leaves
/// settable properties open, so that an empty object would satisfy most classes. Here a property is required unless it may be null, has a
/// default, or would hold its own type for ever. Schemas written by hand say what they mean and stay as they are.
/// </summary>
internal static class TypedSchema
{
    private const int MaxDepth = 512;

    /// <summary>The schema with its open properties closed; the very schema where it was written by hand.</summary>
    public static JsonElement Close(ChatResponseFormatJson format)
    {
        var schema = format.Schema!.Value;
        if (format.SchemaName is null || schema.ValueKind != JsonValueKind.Object) return schema;
        try
        {
            if (!schema.TryGetProperty("$schema", out _)) return schema;
            var root = JsonNode.Parse(schema.GetRawText(), documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth })!;
            Close(root, root, "#", 0);
            return JsonSerializer.Deserialize(root.ToJsonString(), SchemaJson.Default.JsonElement);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            return schema; // Too deep, doubled keys, halves of surrogate pairs: not from a type, and the compiler says so.
        }
    }

    private static void Close(JsonNode? node, JsonNode root, string path, int depth)
    {
        if (depth > 64) return;
        switch (node)
        {
            case JsonObject schema:
                if (schema["properties"] is JsonObject properties) Require(schema, properties, root, path);
                foreach (var (name, child) in schema) Close(child, root, $"{path}/{Escape(name)}", depth + 1);
                break;
            case JsonArray array:
                for (var i = 0; i < array.Count; i++) Close(array[i], root, $"{path}/{i}", depth + 1);
                break;
        }
    }

    private static void Require(JsonObject schema, JsonObject properties, JsonNode root, string path)
    {
        if (schema["required"] is not (null or JsonArray)) return;
        var required = schema["required"] as JsonArray ?? [];
        foreach (var (name, property) in properties)
        {
            if (required.Any(r => r is JsonValue v && v.TryGetValue(out string? known) && known == name)) continue;
            if (property is JsonObject p && !p.ContainsKey("default") && !IsNullable(p, root, 0) && !LeadsBack(p, path)) required.Add(name);
        }

        if (required.Count > 0 && required.Parent is null) schema["required"] = required;
    }

    private static bool IsNullable(JsonObject schema, JsonNode root, int depth)
    {
        if (depth > 8) return true;
        if (Text(schema["$ref"]) is { } reference)
            return Find(root, reference) is not JsonObject target || IsNullable(target, root, depth + 1);
        if (schema["type"] is { } type) return type is JsonArray types ? types.Any(t => Text(t) == "null") : Text(type) == "null";
        if (schema["enum"] is JsonArray values) return values.Any(v => v is null);
        foreach (var key in (string[])["anyOf", "oneOf"])
        {
            if (schema[key] is JsonArray options)
                return options.Any(o => o is not JsonObject option || IsNullable(option, root, depth + 1));
        }

        // Anything at all, null too.
        return !schema.ContainsKey("const");
    }

    // A reference to what it stands in. In an array it may be empty, so only the bare one has no end.
    private static bool LeadsBack(JsonObject property, string path) =>
        Text(property["$ref"]) is { } reference && (path == reference || path.StartsWith(reference + "/", StringComparison.Ordinal));

    private static JsonNode? Find(JsonNode root, string reference)
    {
        if (!reference.StartsWith('#')) return null;
        JsonNode? at = root;
        foreach (var part in reference.Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal)
                .Replace("~0", "~", StringComparison.Ordinal);
            at = at switch
            {
                JsonObject o => o[name],
                JsonArray a when int.TryParse(name, out var i) && i >= 0 && i < a.Count => a[i],
                _ => null,
            };
        }

        return at;
    }

    private static string Escape(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private static string? Text(JsonNode? node) => node is JsonValue v && v.TryGetValue(out string? text) ? text : null;
}
