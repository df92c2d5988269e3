namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>The JSON schema keywords (drafts 3 to 2020-12) that the compiler reads, and those that constrain beyond it. All others are
/// annotations, as the standard has it.</summary>
internal static class SchemaKeywords
{
    private static readonly HashSet<string> Read = new(StringComparer.Ordinal)
    {
        "$ref", "type", "enum", "const", "anyOf", "oneOf", "allOf",
        "properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties",
        "items", "prefixItems", "additionalItems", "unevaluatedItems", "minItems", "maxItems", "uniqueItems",
        "minLength", "maxLength", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    };

    private static readonly HashSet<string> Others = new(StringComparer.Ordinal)
    {
        "$dynamicRef", "$recursiveRef", "not", "if", "then", "else", "extends", "disallow",
        "pattern", "multipleOf", "divisibleBy", "patternProperties", "propertyNames", "dependencies", "dependentRequired",
        "dependentSchemas",
        "contains", "minContains", "maxContains",
    };

    /// <summary>Whether a keyword may stand in a schema without being enforced or reported.</summary>
    public static bool IsAnnotation(string keyword) => !Read.Contains(keyword) && !Others.Contains(keyword);

    /// <summary>Whether the compiler looks at a keyword (and reports what it cannot enforce of it).</summary>
    public static bool IsRead(string keyword) => Read.Contains(keyword);
}
