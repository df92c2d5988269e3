using System.Runtime.InteropServices;
using System.Text.Json;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>
/// A JSON schema to a grammar that writes only values the schema allows. Properties come in the order of the schema; an object that
/// declares properties has others only where the schema says so. What a grammar cannot enforce is refused (strict) or noted.
/// </summary>
internal sealed partial class SchemaCompiler(
    GrammarBuilder b, JsonGrammar json, JsonElement root, bool strict, List<string> relaxed, string rootPath)
{
    private const int MaxDepth = 100;
    private const int MaxSchemas = 20_000;
    private const long MaxMerged = 64 << 20;
    private readonly SchemaDocument _document = new(root);
    private readonly Dictionary<string, GrammarNode.Reference> _references = new(StringComparer.Ordinal);
    private readonly HashSet<string> _merging = new(StringComparer.Ordinal);
    private readonly HashSet<string> _notes = new(StringComparer.Ordinal);
    private int _depth;
    private int _compiled;
    private long _merged;

    /// <summary>The value must be an object, whatever the schema says or leaves open (arguments of a tool).</summary>
    public bool RootIsObject { get; init; }

    public GrammarNode Compile()
    {
        if (!RootIsObject) return Schema(root, rootPath);
        if (root.ValueKind != JsonValueKind.Object) throw SchemaDocument.Wrong("parameters", rootPath, root, "a JSON schema object");
        var kinds = new SchemaOverlap(_document).Kinds(root);
        if ((kinds & JsonKinds.Object) == 0)
            throw new ArgumentException($"The schema at {rootPath} allows no object, but a tool's arguments are one.");
        return kinds == JsonKinds.Object ? Schema(root, rootPath) : Schema(Merge(Without(root, "type"), ObjectOnly, out _), rootPath);
    }

    private static JsonElement ObjectOnly { get; } = JsonDocument.Parse("{\"type\": \"object\"}").RootElement.Clone();

    private GrammarNode Schema(JsonElement schema, string path)
    {
        if (schema.ValueKind == JsonValueKind.True) return json.Value;
        if (schema.ValueKind == JsonValueKind.False) return b.Never();
        if (schema.ValueKind != JsonValueKind.Object) throw SchemaDocument.Wrong("schema", path, schema, "an object, true or false");
        if (++_compiled > MaxSchemas)
            throw new NotSupportedException(
                $"The JSON schema spells out to more than {MaxSchemas} schemas (at {path}). Use a smaller one.");
        if (++_depth > MaxDepth) throw new NotSupportedException($"The JSON schema is nested more than {MaxDepth} deep at {path}.");
        try
        {
            foreach (var p in schema.EnumerateObject())
            {
                if (SchemaKeywords.IsRead(p.Name) || SchemaKeywords.IsAnnotation(p.Name)) continue;
                if (p.Name == "pattern" && StringFormats.OfPattern(schema.Text("pattern")) is not null) continue;
                Relax(p.Name, path);
            }

            return schema.Find("$ref") is { } reference ? Reference(schema, reference, path) : Combined(schema, path);
        }
        finally
        {
            _depth--;
        }
    }

    private GrammarNode Reference(JsonElement schema, JsonElement reference, string path)
    {
        if (reference.ValueKind != JsonValueKind.String) throw SchemaDocument.Wrong("$ref", path, reference, "a text");
        var name = reference.GetString()!;
        if (!name.StartsWith('#')) return Unknown($"$ref' to '{name}", path);
        if (_document.Find(name) is not { } target)
            throw new ArgumentException($"The JSON schema has '$ref' at {path} to '{name}', which does not exist in it.");
        var siblings = schema.EnumerateObject().Any(p => p.Name != "$ref" && SchemaKeywords.IsRead(p.Name));
        if (siblings && target.ValueKind is JsonValueKind.Object or JsonValueKind.True)
        {
            // Within itself the merged schema would have no end.
            if (_merging.Add(name))
            {
                try
                {
                    return Schema(Beside(schema, target, path), path);
                }
                finally
                {
                    _merging.Remove(name);
                }
            }

            Relax("$ref' with keywords beside it", path);
        }

        if (_references.TryGetValue(name, out var known)) return known;
        var node = _references[name] = b.Reference();
        node.Target = Schema(target, name == "#" ? rootPath : rootPath + name[1..]);
        return node;
    }

    // The target of a reference with the keywords that stand beside the reference.
    private JsonElement Beside(JsonElement schema, JsonElement target, string path)
    {
        var own = Without(schema, "$ref");
        if (target.ValueKind == JsonValueKind.True) return own;
        var merged = Merge(own, target, out var conflict);
        if (conflict is not null) Relax(conflict, path);
        return merged;
    }

    // A schema without references at its top, the keywords beside each of them kept; null where one leads nowhere or to itself.
    private JsonElement? Followed(JsonElement schema, string path)
    {
        for (var i = 0; i < SchemaDocument.MostReferences; i++)
        {
            if (schema.Text("$ref") is not { } reference) return schema;
            if (_document.Find(reference) is not { } target) return null;
            var both = target.ValueKind is JsonValueKind.Object or JsonValueKind.True && SchemaDocument.HasBeside(schema);
            schema = both ? Beside(schema, target, path) : target;
        }

        return null;
    }

    private GrammarNode Combined(JsonElement schema, string path)
    {
        if (SchemaDocument.Array(schema, "allOf", path) is { } all)
        {
            var merged = Without(schema, "allOf");
            foreach (var part in all.EnumerateArray())
            {
                var followed = Followed(part, path);
                if (followed is { ValueKind: JsonValueKind.True }) continue;
                if (followed is not { ValueKind: JsonValueKind.Object } target) return b.Never();
                merged = Merge(merged, target, out var conflict);
                if (conflict is not null) Relax($"allOf' (both say '{conflict}')", path);
            }

            return Schema(merged, path);
        }

        foreach (var key in (string[])["oneOf", "anyOf"])
        {
            if (SchemaDocument.Array(schema, key, path) is { } options)
                return Alternatives(schema, key, [.. options.EnumerateArray()], path);
        }

        if (schema.TryGetProperty("const", out var constant)) return Values(schema, [constant], "const", path);
        if (SchemaDocument.Array(schema, "enum", path) is { } values) return Values(schema, [.. values.EnumerateArray()], "enum", path);
        return Typed(schema, path);
    }

    private GrammarNode Alternatives(JsonElement schema, string key, JsonElement[] options, string path)
    {
        if (options.Length == 0) throw new ArgumentException($"The JSON schema has an empty '{key}' at {path}.");
        var rest = Without(schema, key);
        var own = rest.EnumerateObject().Any(p => SchemaKeywords.IsRead(p.Name));
        if (own)
        {
            for (var i = 0; i < options.Length; i++)
            {
                var followed = Followed(options[i], $"{path}/{key}/{i}");
                if (followed is { ValueKind: JsonValueKind.True }) options[i] = rest;
                if (followed is not { ValueKind: JsonValueKind.Object } target) continue;
                options[i] = Merge(rest, target, out var conflict);
                if (conflict is not null) Relax($"{key}' (both say '{conflict}')", path);
            }
        }

        if (key == "oneOf" && !new SchemaOverlap(_document).AllDisjoint(options)) Relax("oneOf' of alternatives that may overlap", path);
        return b.Choice([.. options.Select((o, i) => Schema(o, $"{path}/{key}/{i}"))]);
    }

    // Fixed values; keywords beside them but the type are not looked at.
    private GrammarNode Values(JsonElement schema, JsonElement[] values, string key, string path)
    {
        if (values.Length == 0) throw new ArgumentException($"The JSON schema has an empty '{key}' at {path}.");
        foreach (var p in schema.EnumerateObject())
        {
            if (p.Name != key && p.Name is not ("type" or "enum" or "const" or "format") && SchemaKeywords.IsRead(p.Name))
                Relax($"{p.Name}' beside '{key}", path);
        }

        var kinds = Kinds(schema, path) ?? JsonKinds.All;
        var allowed = key == "const" && SchemaDocument.Array(schema, "enum", path) is { } both
            ? both.EnumerateArray().Select(JsonText.Write).ToHashSet() : null;
        return b.Choice([.. values.Where(v => (JsonKindsReading.Of(v) & kinds) != 0).Select(JsonText.Write)
            .Where(v => allowed?.Contains(v) != false).Distinct(StringComparer.Ordinal).Select(b.Literal)]);
    }

    private GrammarNode Typed(JsonElement schema, string path)
    {
        var kinds = Kinds(schema, path);
        if (kinds is null)
        {
            // Without a type, keywords constrain values of their own type alone; an answer of that type is what the author has in mind.
            var implied = JsonKinds.None;
            if (Has("properties", "required", "additionalProperties", "minProperties")) implied |= JsonKinds.Object;
            if (Has("items", "prefixItems", "minItems", "maxItems")) implied |= JsonKinds.Array;
            if (Has("minLength", "maxLength", "format")) implied |= JsonKinds.String;
            if (Has("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")) implied |= JsonKinds.Number;
            if (implied == JsonKinds.None) return json.Value;
            kinds = implied;
        }

        var options = new List<GrammarNode>();
        if (kinds.Value.HasFlag(JsonKinds.Object)) options.Add(Object(schema, path));
        if (kinds.Value.HasFlag(JsonKinds.Array)) options.Add(Array(schema, path));
        if (kinds.Value.HasFlag(JsonKinds.String)) options.Add(String(schema, path));
        if (kinds.Value.HasFlag(JsonKinds.Fractional)) options.Add(Number(schema, path));
        else if (kinds.Value.HasFlag(JsonKinds.Integer)) options.Add(Integer(schema, path));
        if (kinds.Value.HasFlag(JsonKinds.Boolean)) options.Add(json.Boolean());
        if (kinds.Value.HasFlag(JsonKinds.Null)) options.Add(json.Null());
        return b.Choice([.. options]);

        bool Has(params string[] keys) => keys.Any(k => schema.Find(k) is not null);
    }

    private static JsonKinds? Kinds(JsonElement schema, string path)
    {
        if (schema.Find("type") is not { } type) return null;
        var kinds = JsonKinds.None;
        foreach (var t in type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().ToArray() : [type])
        {
            kinds |= (t.ValueKind == JsonValueKind.String ? JsonKindsReading.Named(t.GetString()) : null)
                ?? throw SchemaDocument.Wrong(
                    "type", path, t, "object, array, string, number, integer, boolean or null, or a list of them");
        }

        return kinds;
    }

    private GrammarNode Unknown(string keyword, string path)
    {
        Relax(keyword, path);
        return json.Value;
    }

    private void Relax(string keyword, string path)
    {
        if (strict)
        {
            throw new NotSupportedException(
                $"The JSON schema has '{keyword}' at {path}, which cannot be enforced while an answer is written. Remove it, or allow it " +
                    "to be relaxed (StrictOptions = false).");
        }

        var note = $"'{keyword}' at {path}";
        if (_notes.Add(note) && !relaxed.Contains(note)) relaxed.Add(note);
    }

    private JsonElement Merge(JsonElement first, JsonElement second, out string? conflict)
    {
        Spend(first);
        Spend(second);
        return SchemaMerge.Merge(first, second, out conflict);
    }

    private JsonElement Without(JsonElement schema, params string[] keywords)
    {
        Spend(schema);
        return SchemaMerge.Without(schema, keywords);
    }

    // Merging copies; a schema that merges its large parts again and again is refused rather than worked off.
    private void Spend(JsonElement schema)
    {
        if ((_merged += JsonMarshal.GetRawUtf8Value(schema).Length) > MaxMerged)
            throw new NotSupportedException(
                $"The JSON schema's combinations (allOf, anyOf, $ref with keywords beside it) spell out to more than {MaxMerged} bytes. " +
                "Use a smaller one.");
    }
}
