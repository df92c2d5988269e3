using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>A JSON schema's text: local references, and typed looks at keywords that name their place when they are wrong.</summary>
internal sealed class SchemaDocument(JsonElement root)
{
    /// <summary>Longest chain of references that is followed in one go.</summary>
    public const int MostReferences = 32;

    private const int MaxText = 1 << 20;

    public JsonElement Root => root;

    /// <summary>A schema of its own, read completely: everything the compiler looks at later is
    /// well-formed and within the limits.</summary>
    /// <exception cref="ArgumentException">It has texts that are no Unicode, or a name twice in one object.</exception>
    /// <exception cref="NotSupportedException">It is longer than 1 MiB or nested more than
    /// <see cref="StrictJson.MaxDepth"/> deep.</exception>
    public static JsonElement Read(JsonElement schema, string what)
    {
        if (schema.ValueKind == JsonValueKind.Undefined)
            throw new ArgumentException($"{what} is undefined; expected an object, true or false.");
        return Read(JsonMarshal.GetRawUtf8Value(schema).ToArray(), what);
    }

    /// <inheritdoc cref="Read(JsonElement, string)"/>
    public static JsonElement Read(byte[] utf8, string what)
    {
        if (utf8.Length > MaxText)
            throw new NotSupportedException($"{what} has {utf8.Length} bytes; the limit is {MaxText}. Use a smaller one.");
        try
        {
            if (IsTooDeep(utf8))
                throw new NotSupportedException($"{what} is nested more than {StrictJson.MaxDepth} deep. Use a flatter one.");
            return StrictJson.Parse(utf8, uniqueNames: true).RootElement;
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"{what} is not JSON that can be read: {e.Message}", e);
        }
    }

    private static bool IsTooDeep(byte[] utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = int.MaxValue });
        while (reader.Read())
        {
            if (reader.CurrentDepth > StrictJson.MaxDepth - 1) return true;
        }

        return false;
    }

    /// <summary>The element behind a local reference (<c>#</c>, <c>#/...</c>); null where there is none.</summary>
    public JsonElement? Find(string reference)
    {
        if (reference == "#") return root;
        if (!reference.StartsWith("#/", StringComparison.Ordinal)) return null;
        var at = root;
        foreach (var part in reference[2..].Split('/'))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal)
                .Replace("~0", "~", StringComparison.Ordinal);
            if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out var child)) at = child;
            else if (at.ValueKind == JsonValueKind.Array && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var i)
                && i < at.GetArrayLength()) at = at[i];
            else return null;
        }

        return at;
    }

    /// <summary>Follows references; the target of several is the last. Circles end at null.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="beside">Whether keywords stood beside a reference: the schema then allows less than its target.</param>
    public JsonElement? Resolve(JsonElement schema, out bool beside)
    {
        beside = false;
        for (var i = 0; i < MostReferences; i++)
        {
            if (schema.Text("$ref") is not { } reference) return schema;
            if (Find(reference) is not { } target) return null;
            beside |= HasBeside(schema);
            schema = target;
        }

        return null;
    }

    /// <summary>Whether keywords that constrain stand beside a schema's reference.</summary>
    public static bool HasBeside(JsonElement schema) =>
        schema.EnumerateObject().Any(p => p.Name != "$ref" && !SchemaKeywords.IsAnnotation(p.Name));

    public static JsonElement? Object(JsonElement schema, string key, string path) =>
        Typed(schema, key, path, JsonValueKind.Object, "an object");

    public static JsonElement? Array(JsonElement schema, string key, string path) =>
        Typed(schema, key, path, JsonValueKind.Array, "an array");

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
        return new ArgumentException(
            $"The JSON schema has '{key}' at {path} with {(text.Length > 60 ? text[..60] + "..." : text)}; expected {expected}.");
    }

    private static JsonElement? Typed(JsonElement schema, string key, string path, JsonValueKind kind, string expected) =>
        schema.Find(key) is not { } value ? null : value.ValueKind == kind ? value : throw Wrong(key, path, value, expected);
}
