using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>Two schemas that both hold as one, where that is simple: different keywords, shared lists of
/// properties and required names.</summary>
internal static class SchemaMerge
{
    // More than a schema itself may have: merging nests a little.
    private const int MaxDepth = 512;

    /// <summary>Merges.</summary>
    /// <param name="first">A schema that is an object.</param>
    /// <param name="second">Another.</param>
    /// <param name="conflict">The keyword that cannot be merged; null where all could.</param>
    public static JsonElement Merge(JsonElement first, JsonElement second, out string? conflict)
    {
        conflict = null;
        var result = (JsonObject)Node(first);
        foreach (var p in second.EnumerateObject())
        {
            if (!result.TryGetPropertyValue(p.Name, out var present) || present is null)
            {
                result[p.Name] = Node(p.Value);
            }
            else if (SchemaKeywords.IsAnnotation(p.Name) || JsonNode.DeepEquals(present, Node(p.Value)))
            {
                continue;
            }
            else if (p.Name == "type" && JsonKindsReading.OfType(Element(present)) is { } some
                && JsonKindsReading.OfType(p.Value) is { } others)
            {
                // Both must hold; of types without overlap no value does.
                result["type"] = new JsonArray([.. JsonKindsReading.Names(some & others).Select(n => (JsonNode)n)]);
            }
            else if (p.Name == "required" && present is JsonArray names && p.Value.ValueKind == JsonValueKind.Array)
            {
                foreach (var name in p.Value.EnumerateArray())
                {
                    if (!names.Any(n => JsonNode.DeepEquals(n, Node(name)))) names.Add(Node(name));
                }
            }
            else if (p.Name == "properties" && present is JsonObject properties && p.Value.ValueKind == JsonValueKind.Object)
            {
                foreach (var property in p.Value.EnumerateObject())
                {
                    if (!properties.TryGetPropertyValue(property.Name, out var known)) properties[property.Name] = Node(property.Value);
                    else if (!JsonNode.DeepEquals(known, Node(property.Value)))
                        properties[property.Name] = Both(known!, Node(property.Value));
                }
            }
            else if (IsSchema(p.Name) && IsOpen(p.Value))
            {
                continue;
            }
            else if (IsSchema(p.Name))
            {
                result[p.Name] = IsOpen(Element(present)) ? Node(p.Value) : Both(present, Node(p.Value));
            }
            else
            {
                conflict ??= p.Name;
            }
        }

        return Element(result);
    }

    /// <summary>A schema without some keywords.</summary>
    public static JsonElement Without(JsonElement schema, params string[] keywords)
    {
        var result = (JsonObject)Node(schema);
        foreach (var keyword in keywords) result.Remove(keyword);
        return Element(result);
    }

    private static bool IsSchema(string keyword) => keyword is "items" or "additionalProperties" or "additionalItems"
        or "unevaluatedProperties" or "unevaluatedItems";

    // {} and true say nothing (schema writers put them beside references).
    private static bool IsOpen(JsonElement schema) => schema.ValueKind == JsonValueKind.True
        || (schema.ValueKind == JsonValueKind.Object && !schema.EnumerateObject().Any());

    // One list however many there are, so that merging many does not nest.
    private static JsonObject Both(JsonNode first, JsonNode second) => first is JsonObject { Count: 1 } o && o["allOf"] is JsonArray all
        ? new JsonObject { ["allOf"] = new JsonArray([.. all.Select(n => n?.DeepClone()), second]) }
        : new JsonObject { ["allOf"] = new JsonArray(first.DeepClone(), second) };

    private static JsonElement Element(JsonNode node)
    {
        try
        {
            using var document = JsonDocument.Parse(node.ToJsonString(), new JsonDocumentOptions { MaxDepth = MaxDepth });
            return document.RootElement.Clone();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new NotSupportedException(
                $"The JSON schema's parts nest more than {MaxDepth} deep once they are put together. Use a flatter one.", e);
        }
    }

    private static JsonNode Node(JsonElement json) =>
        JsonNode.Parse(JsonMarshal.GetRawUtf8Value(json), documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth })!;
}
