using System.Text.Json;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>Whether alternatives of a <c>oneOf</c> exclude each other as the compiler writes them: by type, by fixed
/// values, or by their properties.</summary>
internal sealed class SchemaOverlap(SchemaDocument document)
{
    // Alternatives may be many, and refer to each other: beyond this many looks they may overlap, for all that is known.
    private const int MaxLooks = 200_000;
    private int _looks;

    public bool AllDisjoint(IReadOnlyList<JsonElement> schemas)
    {
        for (var i = 0; i < schemas.Count; i++)
        {
            for (var j = i + 1; j < schemas.Count; j++)
            {
                if (!Disjoint(schemas[i], schemas[j], 0) || _looks > MaxLooks) return false;
            }
        }

        return true;
    }

    /// <summary>Types that a schema allows, at most.</summary>
    public JsonKinds Kinds(JsonElement schema, int depth = 0)
    {
        if (schema.ValueKind == JsonValueKind.False) return JsonKinds.None;
        if (++_looks > MaxLooks || depth > 8 || document.Resolve(schema, out _) is not { ValueKind: JsonValueKind.Object } s)
            return JsonKinds.All;
        var kinds = JsonKinds.All;
        if (s.TryGetProperty("const", out var constant)) kinds &= JsonKindsReading.Of(constant);
        if (s.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array)
            kinds &= Union(values, JsonKindsReading.Of);
        if (s.TryGetProperty("type", out var type))
            kinds &= type.ValueKind == JsonValueKind.Array ? Union(type, t => One(t)) : One(type);
        foreach (var key in (string[])["anyOf", "oneOf"])
        {
            if (s.TryGetProperty(key, out var options) && options.ValueKind == JsonValueKind.Array)
                kinds &= Union(options, o => Kinds(o, depth + 1));
        }

        return kinds;
    }

    private bool Disjoint(JsonElement first, JsonElement second, int depth)
    {
        var (a, b) = (Kinds(first), Kinds(second));
        if ((a & b) == 0) return true;
        if (++_looks > MaxLooks || depth > 4 || document.Resolve(first, out var more) is not { ValueKind: JsonValueKind.Object } x
            || document.Resolve(second, out var others) is not { ValueKind: JsonValueKind.Object } y) return false;
        if (Values(x) is { } u && Values(y) is { } v) return !u.Overlaps(v);
        // Keywords beside a reference may declare what its target lacks.
        return (a & b) == JsonKinds.Object && (Differ(x, y, depth) || (!more && !others && NeverFits(x, y) && NeverFits(y, x)));
    }

    // A property that both require, with values that exclude each other.
    private bool Differ(JsonElement x, JsonElement y, int depth) => Required(x).Intersect(Required(y)).Any(name =>
        x.Find("properties")?.Find(name) is { } p && y.Find("properties")?.Find(name) is { } q && Disjoint(p, q, depth + 1));

    // An object written for x lacks something that y requires, or has something that y forbids.
    private static bool NeverFits(JsonElement x, JsonElement y)
    {
        bool Declares(JsonElement s, string name) => s.Find("properties")?.Find(name) is not null;
        var open = x.TryGetProperty("additionalProperties", out var more) ? more.ValueKind != JsonValueKind.False
            : x.Find("properties") is null;
        var closed = y.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.False;
        return (!open && Required(y).Any(n => !Declares(x, n) && !Required(x).Contains(n)))
            || (closed && Required(x).Any(n => !Declares(y, n)));
    }

    private static HashSet<string>? Values(JsonElement s)
    {
        if (s.TryGetProperty("const", out var constant)) return [JsonText.Write(constant)];
        return s.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array
            ? [.. values.EnumerateArray().Select(JsonText.Write)] : null;
    }

    private static IEnumerable<string> Required(JsonElement s) =>
        s.Find("required") is { ValueKind: JsonValueKind.Array } names
            ? names.EnumerateArray().Where(n => n.ValueKind == JsonValueKind.String).Select(n => n.GetString()!) : [];

    private static JsonKinds One(JsonElement type) =>
        (type.ValueKind == JsonValueKind.String ? JsonKindsReading.Named(type.GetString()) : null) ?? JsonKinds.All;

    private static JsonKinds Union(JsonElement items, Func<JsonElement, JsonKinds> kinds) =>
        items.EnumerateArray().Aggregate(JsonKinds.None, (all, item) => all | kinds(item));
}
