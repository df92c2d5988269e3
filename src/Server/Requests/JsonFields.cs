using System.Globalization;
using System.Text.Json;

namespace D2Pruner.AI.Server;

/// <summary>Fields of a JSON object, read with checks; a wrong one is told by its path.</summary>
/// <param name="element">An object.</param>
/// <param name="path">Where it stands in the request; empty for the request itself.</param>
internal readonly struct JsonFields(JsonElement element, string path = "")
{
    public JsonElement Element => element;

    /// <summary>The path of a field.</summary>
    public string PathOf(string name) => path.Length == 0 ? name : $"{path}.{name}";

    /// <summary>A field; null where it is absent or null.</summary>
    public JsonElement? Find(string name) => element.TryGetProperty(name, out var value)
        && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined) ? value : null;

    public string? String(string name) => Find(name) is { } value ? Text(value, PathOf(name)) : null;

    public string RequiredString(string name) => String(name)
        ?? throw RequestException.Bad(PathOf(name), $"'{PathOf(name)}' is missing; expected a string.");

    public bool? Bool(string name) => Find(name) is not { } value ? null : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, value, "true or false"),
    };

    public long? Integer(string name, long min, long max)
    {
        if (Find(name) is not { } value) return null;
        var expected = min == long.MinValue && max == long.MaxValue ? "a whole number of 64 bits" : max is long.MaxValue or int.MaxValue
            ? $"a whole number of at least {min}" : $"a whole number from {min} to {max}";
        if (value.ValueKind != JsonValueKind.Number) throw Wrong(name, value, expected);
        // 3.0 is a whole number too.
        if (!value.TryGetInt64(out var number))
        {
            if (!value.TryGetDouble(out var real) || real != Math.Truncate(real) || Math.Abs(real) > 1L << 53)
                throw Wrong(name, value, expected);
            number = (long)real;
        }

        return number >= min && number <= max ? number : throw Wrong(name, value, expected);
    }

    public double? Number(string name, double min, double max, bool minIsExclusive = false)
    {
        if (Find(name) is not { } value) return null;
        var culture = CultureInfo.InvariantCulture;
        var expected = string.Create(culture, $"a number {(minIsExclusive ? "greater than" : "of at least")} {min} and at most {max}");
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || !double.IsFinite(number))
            throw Wrong(name, value, expected);
        return number <= max && (minIsExclusive ? number > min : number >= min) ? number : throw Wrong(name, value, expected);
    }

    public JsonFields? Object(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new JsonFields(value, PathOf(name)) : throw Wrong(name, value, "an object");

    public JsonElement? Array(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Array ? value : throw Wrong(name, value, "an array");

    public RequestException Wrong(string name, JsonElement found, string expected) => Wrong(found, PathOf(name), expected);

    public static RequestException Wrong(JsonElement found, string path, string expected) =>
        RequestException.Bad(path, $"'{path}' is {Describe(found)}; expected {expected}.");

    /// <summary>A string; escapes that make no text are told.</summary>
    public static string Text(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.String) throw Wrong(value, path, "a string");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw RequestException.Bad(path, $"'{path}' holds half a surrogate pair (\\ud800 to \\udfff alone), which is no text.");
        }
    }

    /// <summary>What was found, without its content.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => value.GetRawText() is { Length: <= 32 } raw ? raw : "a number",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}
