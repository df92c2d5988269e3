namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>The JSON schema keywords (drafts 4 to 2020-12) that the compiler reads, and those that never constrain.</summary>
internal static class SchemaKeywords
{
    private static readonly HashSet<string> Read = new(StringComparer.Ordinal)
    {
        "$ref", "type", "enum", "const", "anyOf", "oneOf", "allOf",
        "properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties",
        "items", "prefixItems", "additionalItems", "unevaluatedItems", "minItems", "maxItems", "uniqueItems",
        "minLength", "maxLength", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    };

    private static readonly HashSet<string> Annotations = new(StringComparer.Ordinal)
    {
        "$schema", "$id", "id", "$comment", "$defs", "definitions", "$anchor", "$vocabulary", "title", "description", "default", "example", "examples",
        "deprecated", "readOnly", "writeOnly", "contentMediaType", "contentEncoding", "contentSchema",
    };

    /// <summary>Whether a keyword may stand in a schema without being enforced or reported.</summary>
    public static bool IsAnnotation(string keyword) => Annotations.Contains(keyword) || keyword.StartsWith("x-", StringComparison.Ordinal);

    /// <summary>Whether the compiler looks at a keyword (and reports what it cannot enforce of it).</summary>
    public static bool IsRead(string keyword) => Read.Contains(keyword);
}
