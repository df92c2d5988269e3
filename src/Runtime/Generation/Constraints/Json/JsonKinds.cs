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
