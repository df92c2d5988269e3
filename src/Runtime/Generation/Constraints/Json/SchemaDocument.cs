using System.Globalization;
using System.Text.Json;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>A JSON schema's text: local references, and typed looks at keywords that name their place when they are wrong.</summary>
internal sealed class SchemaDocument(JsonElement root)
{
    public JsonElement Root => root;

    /// <summary>The element behind a local reference (<c>#</c>, <c>#/...</c>); null where there is none.</summary>
    public JsonElement? Find(string reference)
    {
        if (reference == "#") return root;
        if (!reference.StartsWith("#/", StringComparison.Ordinal)) return null;
        var at = root;
        foreach (var part in reference[2..].Split('/'))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out var child)) at = child;
            else if (at.ValueKind == JsonValueKind.Array && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var i) && i < at.GetArrayLength()) at = at[i];
            else return null;
        }

        return at;
    }

    /// <summary>Follows references that stand alone; the target of several is the last. Circles end at null.</summary>
    public JsonElement? Resolve(JsonElement schema)
    {
        for (var i = 0; i < 32; i++)
        {
            if (schema.Text("$ref") is not { } reference) return schema;
            if (Find(reference) is not { } target) return null;
            schema = target;
        }

        return null;
    }

    public static JsonElement? Object(JsonElement schema, string key, string path) => Typed(schema, key, path, JsonValueKind.Object, "an object");

    public static JsonElement? Array(JsonElement schema, string key, string path) => Typed(schema, key, path, JsonValueKind.Array, "an array");

    /// <summary>A count: a whole number of at least 0.</summary>
    public static int? Count(JsonElement schema, string key, string path)
    {
        if (schema.Find(key) is not { } value) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var d) && d >= 0 && d == decimal.Truncate(d)
            ? (int)Math.Min(d, int.MaxValue - 1)
            : throw Wrong(key, path, value, "a whole number of at least 0");
    }

    public static decimal? Number(JsonElement schema, string key, string path)
    {
        if (schema.Find(key) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Number) throw Wrong(key, path, value, "a number");
        if (value.TryGetDecimal(out var d)) return d;
        return value.GetDouble() < 0 ? decimal.MinValue : decimal.MaxValue;
    }

    public static ArgumentException Wrong(string key, string path, JsonElement found, string expected)
    {
        var text = found.GetRawText();
        return new ArgumentException($"The JSON schema has '{key}' at {path} with {(text.Length > 60 ? text[..60] + "..." : text)}; expected {expected}.");
    }

    private static JsonElement? Typed(JsonElement schema, string key, string path, JsonValueKind kind, string expected) =>
        schema.Find(key) is not { } value ? null : value.ValueKind == kind ? value : throw Wrong(key, path, value, expected);
}
