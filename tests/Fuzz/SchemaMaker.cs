using System.Globalization;
using System.Text;

namespace D2Pruner.AI.Fuzz;

/// <summary>JSON schemas, sound ones and others: every keyword that the compiler reads, references in circles,
/// depth, long names, wrong types.</summary>
internal sealed class SchemaMaker(Random random)
{
    private static readonly string[] Types = ["object", "array", "string", "number", "integer", "boolean", "null"];
    private static readonly string[] Formats = ["date", "time", "date-time", "uuid", "ipv4", "email", "timespan"];
    private static readonly string[] Others =
        ["not", "if", "then", "pattern", "multipleOf", "patternProperties", "contains", "condition", "title", "description", "default",
            "$comment", "x-y"];

    public string Next()
    {
        if (random.Next(30) == 0) return Chain();
        if (random.Next(30) == 0) return LongName();
        var schema = Schema(1 + random.Next(4));
        if (random.Next(3) != 0 || schema.Length < 3) return schema;
        return $"{schema[..^1]},\"$defs\":{{\"a\":{Schema(2)},\"b\":{Schema(1)},\"a/b\":{Reference()}}}}}";
    }

    private string Schema(int depth)
    {
        if (random.Next(40) == 0) return Values.Json(random);
        if (random.Next(30) == 0) return random.Next(2) == 0 ? "true" : "false";
        var keys = new List<string>();
        if (random.Next(5) != 0) keys.Add("\"type\":" + Type());
        for (var n = random.Next(4); n > 0; n--) keys.Add(Keyword(depth));
        return "{" + string.Join(",", keys) + "}";
    }

    private string Type() => random.Next(12) switch
    {
        0 => $"[{Quote(Types)},{Quote(Types)}]",
        1 when random.Next(4) == 0 => Values.Json(random),
        < 5 => "\"object\"",
        5 => "\"array\"",
        _ => Quote(Types),
    };

    private string Keyword(int depth)
    {
        if (random.Next(25) == 0) return $"{Quote(Others)}:{Values.Json(random)}";
        if (depth <= 0) return Leaf();
        return random.Next(12) switch
        {
            0 or 1 or 2 => $"\"properties\":{Properties(depth)}",
            3 => $"\"items\":{Schema(depth - 1)}",
            4 => $"\"prefixItems\":[{Several(depth)}]",
            5 => $"\"additionalProperties\":{Schema(depth - 1)}",
            6 => $"\"anyOf\":[{Several(depth)}]",
            7 => $"\"oneOf\":[{Several(depth)}]",
            8 => $"\"allOf\":[{Several(depth)}]",
            9 => $"\"required\":[{string.Join(",", Enumerable.Range(0, random.Next(4)).Select(_ => Name()))}]",
            10 => $"\"$ref\":{ReferenceText()}",
            _ => Leaf(),
        };
    }

    private string Leaf() => random.Next(12) switch
    {
        0 => $"\"enum\":[{string.Join(",", Enumerable.Range(0, random.Next(4)).Select(_ => Values.Json(random, 1)))}]",
        1 => $"\"const\":{Values.Json(random, 1)}",
        2 => $"\"minLength\":{Size()}",
        3 => $"\"maxLength\":{Size()}",
        4 => $"\"minItems\":{Size()}",
        5 => $"\"maxItems\":{Size()}",
        6 => $"\"minimum\":{Values.Number(random)}",
        7 => $"\"maximum\":{Values.Number(random)}",
        8 => $"\"exclusiveMinimum\":{(random.Next(3) == 0 ? "true" : Values.Number(random))}",
        9 => $"\"format\":{Quote(Formats)}",
        10 => "\"uniqueItems\":true",
        _ => $"\"minProperties\":{Size()}",
    };

    private string Size() => random.Next(6) == 0 ? Values.Number(random) : random.Next(5).ToString(CultureInfo.InvariantCulture);

    private string Properties(int depth) =>
        "{" + string.Join(",", Enumerable.Range(0, random.Next(5)).Select(_ => $"{Name()}:{Schema(depth - 1)}")) + "}";

    private string Several(int depth) => string.Join(",", Enumerable.Range(0, random.Next(4)).Select(_ => Schema(depth - 1)));

    private string Name() => random.Next(4) == 0 ? Values.Quoted(random) : Quote(["a", "ab", "label", "bbox_2d", "b"]);

    private string Reference() => $"{{\"$ref\":{ReferenceText()}}}";

    private string ReferenceText() => random.Next(8) == 0 ? Values.Quoted(random)
        : Quote(["#", "#/$defs/a", "#/$defs/b", "#/$defs/a~1b", "#/properties/a", "#/items", "#/anyOf/0", "https://example.com"]);

    // One keyword in itself, deep.
    private string Chain()
    {
        var depth = random.Next(4) switch { 0 => 2000, 1 => 400, 2 => 120, _ => 60 };
        var (open, close) = random.Next(6) switch
        {
            0 => ("{\"anyOf\":[", "]}"),
            1 => ("{\"allOf\":[", "]}"),
            2 => ("{\"items\":", "}"),
            3 => ("{\"properties\":{\"a\":", "}}"),
            4 => ("{\"additionalProperties\":", "}"),
            _ => ("{\"oneOf\":[{\"type\":\"null\"},", "]}"),
        };
        var text = new StringBuilder();
        for (var i = 0; i < depth; i++) text.Append(open);
        text.Append("{\"type\":\"string\"}");
        for (var i = 0; i < depth; i++) text.Append(close);
        return text.ToString();
    }

    private string LongName()
    {
        var name = new string((char)('a' + random.Next(26)), random.Next(3) == 0 ? 50_000 : 3_000);
        return $"{{\"type\":\"object\",\"properties\":{{\"{name}\":{{\"type\":\"integer\"}}}},\"additionalProperties\":{(random.Next(2) == 0 ? "true" : "{\"type\":\"null\"}")}}}";
    }

    private string Quote(string[] texts) => Values.Quoted(texts[random.Next(texts.Length)]);
}
