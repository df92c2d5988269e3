using System.Numerics;
using System.Text.Json;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <content>Objects, arrays, strings and numbers.</content>
internal sealed partial class SchemaCompiler
{
    private GrammarNode Object(JsonElement schema, string path)
    {
        var declared = SchemaDocument.Object(schema, "properties", path);
        var properties = declared?.EnumerateObject().Select(p => (p.Name, p.Value, Path: $"{path}/properties/{p.Name}")).ToList() ?? [];
        HashSet<string> required = [.. SchemaDocument.Array(schema, "required", path)?.EnumerateArray().Select(r =>
            r.ValueKind == JsonValueKind.String ? r.GetString()! : throw SchemaDocument.Wrong("required", path, r, "names of properties"))
                ?? []];
        var more = schema.TryGetProperty("additionalProperties", out var a) ? a : schema.TryGetProperty("unevaluatedProperties", out var u)
            ? u : (JsonElement?)null;
        var moreKey = schema.TryGetProperty("additionalProperties", out _) ? "additionalProperties" : "unevaluatedProperties";
        HashSet<string> names = [.. properties.Select(p => p.Name)];
        foreach (var name in required.Where(r => !names.Contains(r)))
        {
            if (more?.ValueKind == JsonValueKind.False) return b.Never();
            properties.Add((name, more ?? True, $"{path}/{moreKey}"));
        }

        var open = more is { } m ? m.ValueKind != JsonValueKind.False : properties.Count == 0;
        if (SchemaDocument.Count(schema, "minProperties", path) is { } min && min > required.Count) Relax("minProperties", path);
        if (SchemaDocument.Count(schema, "maxProperties", path) is { } max && (open || max < properties.Count))
            Relax("maxProperties", path);

        // From the last to the first: what may follow once a pair has been written, and while none has.
        GrammarNode? extra = open
            ? json.Pair(json.Key([.. properties.Select(p => p.Name)]), Schema(more ?? True, $"{path}/{moreKey}")) : null;
        var after = extra is null ? b.Empty : b.Repeat(b.Sequence(json.Comma(), extra), 0, -1);
        var first = extra is null ? b.Empty : b.Optional(b.Sequence(extra, after));
        var pairs = properties.Select(
            p => (p.Name, Node: json.Pair(b.Literal(PythonJson.Quote(p.Name)), Schema(p.Value, p.Path)))).ToList();
        foreach (var (name, pair) in Enumerable.Reverse(pairs))
        {
            var must = required.Contains(name);
            var (next, comma) = (b.Sequence(pair, after), b.Sequence(json.Comma(), pair, after));
            first = must ? next : b.Choice(next, first);
            after = must ? comma : b.Choice(comma, after);
        }

        return b.Sequence(b.Literal("{"), json.Space, first, json.Space, b.Literal("}"));
    }

    private GrammarNode Array(JsonElement schema, string path)
    {
        var min = SchemaDocument.Count(schema, "minItems", path) ?? 0;
        var max = SchemaDocument.Count(schema, "maxItems", path) ?? -1;
        var items = schema.Find("items");
        var tuple = SchemaDocument.Array(schema, "prefixItems", path) is { } p ? p
            : items is { ValueKind: JsonValueKind.Array } ? items : null;
        if (schema.Find("uniqueItems") is { ValueKind: JsonValueKind.True } && (max < 0 || max > 1)) Relax("uniqueItems", path);
        if (max >= 0 && max < min) return b.Never();
        if (tuple is null)
        {
            if ((items ?? schema.Find("unevaluatedItems")) is not { } all) return json.Items(json.Value, min, max);
            return all.ValueKind == JsonValueKind.False ? json.Items(b.Never(), min, 0)
                : json.Items(Schema(all, path + "/items"), min, max);
        }

        var places = tuple.Value.EnumerateArray().Select((s, i) => (Schema: s, Index: i)).ToList();
        var rest = items is { ValueKind: not JsonValueKind.Array } ? items
            : schema.Find("additionalItems") ?? schema.Find("unevaluatedItems");
        var count = max < 0 ? places.Count : Math.Min(places.Count, max);
        var open = rest is { ValueKind: not JsonValueKind.False } && (max < 0 || max > count);
        if (!open && min > count) return b.Never();
        // Without a first place nothing stands before the first comma: an array like any other, or an empty one.
        if (count == 0) return open ? json.Items(Schema(rest!.Value, path + "/items"), min, max) : json.Items(b.Never(), min, 0);
        // As with objects, from the last place to the first. A tuple goes on beyond its places only where the schema says what comes there.
        var after = open
            ? b.Repeat(b.Sequence(json.Comma(), Schema(rest!.Value, path + "/items")), Math.Max(0, min - count), max < 0 ? -1 : max - count)
            : b.Empty;
        var first = after;
        var nodes = places.Take(count).Select(p => (Node: Schema(p.Schema, $"{path}/prefixItems/{p.Index}"), p.Index)).ToList();
        foreach (var (item, i) in Enumerable.Reverse(nodes))
        {
            first = b.Sequence(item, after);
            if (i < min && i > 0) after = b.Sequence(json.Comma(), item, after);
            else if (i > 0) after = b.Optional(b.Sequence(json.Comma(), item, after));
        }

        return b.Sequence(b.Literal("["), json.Space, min > 0 ? first : b.Optional(first), json.Space, b.Literal("]"));
    }

    private GrammarNode String(JsonElement schema, string path)
    {
        var min = SchemaDocument.Count(schema, "minLength", path) ?? 0;
        var max = SchemaDocument.Count(schema, "maxLength", path) ?? -1;
        if ((schema.Text("format") ?? StringFormats.OfPattern(schema.Text("pattern"))) is { } format)
        {
            if (!StringFormats.IsKnown(format))
            {
                Relax($"format' = '{format}", path);
            }
            else
            {
                if (min > 0) Relax("minLength' beside 'format", path);
                if (max >= 0) Relax("maxLength' beside 'format", path);
                return new StringFormats(b, json).Quoted(format);
            }
        }

        return max >= 0 && max < min ? b.Never() : json.String(min, max);
    }

    // Without bounds, what an int takes; a bound beyond that, or a format of 64 bits, widens it.
    private GrammarNode Integer(JsonElement schema, string path)
    {
        var (low, withoutLow, high, withoutHigh) = Bounds(schema, path);
        var from = low is { } l ? (withoutLow ? Floor(l) + 1 : Ceiling(l)) : (BigInteger?)null;
        var to = high is { } h ? (withoutHigh ? Ceiling(h) - 1 : Floor(h)) : (BigInteger?)null;
        var wide = schema.Text("format") is "int64" or "uint64" || from > int.MaxValue || to < int.MinValue || to > int.MaxValue
            || from < int.MinValue;
        var limit = NumberRanges.Limit;
        return new NumberRanges(b, json).Integers(from ?? (wide ? -limit : int.MinValue), to ?? (wide ? limit : int.MaxValue));
    }

    private GrammarNode Number(JsonElement schema, string path)
    {
        var (low, withoutLow, high, withoutHigh) = Bounds(schema, path);
        if (low is null && high is null) return json.Number;
        // A bound between integers is moved outwards to one.
        if (low is { } l && l != decimal.Truncate(l))
        {
            Relax("minimum' with a fraction", path);
            withoutLow = false;
        }

        if (high is { } h && h != decimal.Truncate(h))
        {
            Relax("maximum' with a fraction", path);
            withoutHigh = false;
        }

        var wide = BigInteger.Pow(10, 15);
        var from = low is { } x ? Floor(x) : BigInteger.Min(-wide, high is { } y ? Floor(y) * 2 : -wide);
        var to = high is { } z ? Ceiling(z) : BigInteger.Max(wide, low is { } w ? Ceiling(w) * 2 : wide);
        return new NumberRanges(b, json).Reals(from, withoutLow, to, withoutHigh);
    }

    private static (decimal? Low, bool WithoutLow, decimal? High, bool WithoutHigh) Bounds(JsonElement schema, string path)
    {
        var (low, withoutLow) = Bound("minimum", "exclusiveMinimum", higher: true);
        var (high, withoutHigh) = Bound("maximum", "exclusiveMaximum", higher: false);
        return (low, withoutLow, high, withoutHigh);

        // Draft 4 has exclusiveMinimum as a flag.
        (decimal?, bool) Bound(string inclusive, string exclusive, bool higher)
        {
            var value = SchemaDocument.Number(schema, inclusive, path);
            if (schema.Find(exclusive) is { ValueKind: JsonValueKind.True or JsonValueKind.False } flag) return (value, flag.GetBoolean());
            var other = SchemaDocument.Number(schema, exclusive, path);
            if (other is null) return (value, false);
            return value is null || (higher ? other >= value : other <= value) ? (other, true) : (value, false);
        }
    }

    private static BigInteger Floor(decimal d) => Limited(new BigInteger(decimal.Floor(d)));

    private static BigInteger Ceiling(decimal d) => Limited(new BigInteger(decimal.Ceiling(d)));

    private static BigInteger Limited(BigInteger value) => BigInteger.Min(NumberRanges.Limit, BigInteger.Max(-NumberRanges.Limit, value));

    private static JsonElement True { get; } = JsonDocument.Parse("true").RootElement.Clone();
}
