using System.Text.Json;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>Types of JSON values as schemas name them.</summary>
[Flags]
internal enum JsonKinds
{
    None = 0,
    Object = 1,
    Array = 2,
    String = 4,
    Integer = 8,
    Fractional = 16,
    Boolean = 32,
    Null = 64,
    Number = Integer | Fractional,
    All = 127,
}

/// <summary>Reads and finds out types.</summary>
internal static class JsonKindsReading
{
    public static JsonKinds? Named(string? name) => name switch
    {
        "object" => JsonKinds.Object,
        "array" => JsonKinds.Array,
        "string" => JsonKinds.String,
        "integer" => JsonKinds.Integer,
        "number" => JsonKinds.Number,
        "boolean" => JsonKinds.Boolean,
        "null" => JsonKinds.Null,
        _ => null,
    };

    /// <summary>What a <c>type</c> keyword allows; null where it is not one.</summary>
    public static JsonKinds? OfType(JsonElement type)
    {
        if (type.ValueKind == JsonValueKind.String) return Named(type.GetString());
        if (type.ValueKind != JsonValueKind.Array) return null;
        var kinds = JsonKinds.None;
        foreach (var t in type.EnumerateArray())
        {
            if (t.ValueKind != JsonValueKind.String || Named(t.GetString()) is not { } kind) return null;
            kinds |= kind;
        }

        return kinds;
    }

    /// <summary>Types as a <c>type</c> keyword names them.</summary>
    public static IEnumerable<string> Names(JsonKinds kinds)
    {
        if (kinds.HasFlag(JsonKinds.Object)) yield return "object";
        if (kinds.HasFlag(JsonKinds.Array)) yield return "array";
        if (kinds.HasFlag(JsonKinds.String)) yield return "string";
        if (kinds.HasFlag(JsonKinds.Fractional)) yield return "number";
        else if (kinds.HasFlag(JsonKinds.Integer)) yield return "integer";
        if (kinds.HasFlag(JsonKinds.Boolean)) yield return "boolean";
        if (kinds.HasFlag(JsonKinds.Null)) yield return "null";
    }

    public static JsonKinds Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonKinds.Object,
        JsonValueKind.Array => JsonKinds.Array,
        JsonValueKind.String => JsonKinds.String,
        JsonValueKind.Number => value.TryGetDecimal(out var d) && d == decimal.Truncate(d) ? JsonKinds.Integer : JsonKinds.Fractional,
        JsonValueKind.True or JsonValueKind.False => JsonKinds.Boolean,
        _ => JsonKinds.Null,
    };
}
