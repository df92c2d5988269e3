using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace D2Pruner.AI.Tests.Constraints;

/// <summary>
/// The language that a schema stands for, written a second time as a plain recursive matcher over the whole text: the positions
/// where a value may end, and whether a text that ends too early could still go on.
/// </summary>
internal sealed partial class ReferenceMatcher(JsonElement root, bool document = true)
{
    private static readonly JsonSerializerOptions Plain =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private byte[] _text = [];
    private bool _open;

    /// <summary>Whether the text is a prefix of an answer, and whether it is a whole one.</summary>
    public (bool Alive, bool Whole) Check(byte[] text)
    {
        (_text, _open) = (text, false);
        int[] starts = document && text.Length > 0 && text[0] is (byte)' ' or (byte)'\n' ? [0, 1] : [0];
        if (text.Length == 0) return (true, false);
        var ends = starts.SelectMany(s => Value(root, s)).ToHashSet();
        return (_open || ends.Contains(text.Length), ends.Contains(text.Length));
    }

    private static string Written(JsonElement scalar) => JsonSerializer.Serialize(scalar, Plain);

    private HashSet<int> Value(JsonElement s, int at)
    {
        if (s.ValueKind == JsonValueKind.True) return Any(at);
        if (s.ValueKind == JsonValueKind.False) return [];
        if (s.TryGetProperty("$ref", out var r)) return Value(Resolve(r.GetString()!), at);
        foreach (var key in new[] { "anyOf", "oneOf" })
        {
            if (s.TryGetProperty(key, out var options)) return [.. options.EnumerateArray().SelectMany(o => Value(o, at))];
        }

        if (s.TryGetProperty("const", out var constant)) return Literal(Written(constant), at);
        if (s.TryGetProperty("enum", out var values)) return [.. values.EnumerateArray().SelectMany(v => Literal(Written(v), at))];
        if (!s.TryGetProperty("type", out var type)) return Any(at);
        return type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().SelectMany(t => Typed(t.GetString()!, s, at))]
            : Typed(type.GetString()!, s, at);
    }

    private HashSet<int> Typed(string type, JsonElement s, int at) => type switch
    {
        "object" => Object(s, at),
        "array" => Array(s, at),
        "string" => String(at, Int(s, "minLength") ?? 0, Int(s, "maxLength") ?? int.MaxValue, escapes: true, []),
        "integer" => Integer(at, Int(s, "minimum") ?? int.MinValue, Int(s, "maximum") ?? int.MaxValue),
        "number" => Number(at),
        "boolean" => [.. Literal("true", at), .. Literal("false", at)],
        _ => Literal("null", at),
    };

    private HashSet<int> Any(int at) =>
    [
        .. Members([], [], true, at), .. Items(default, 0, int.MaxValue, at, any: true),
            .. String(at, 0, int.MaxValue, true, []), .. Number(at),
        .. Literal("true", at), .. Literal("false", at), .. Literal("null", at),
    ];

    private HashSet<int> Object(JsonElement s, int at)
    {
        var properties = s.TryGetProperty("properties", out var p) ? p.EnumerateObject().Select(x => (x.Name, x.Value)).ToArray() : [];
        string[] required = s.TryGetProperty("required", out var q) ? [.. q.EnumerateArray().Select(x => x.GetString()!)] : [];
        JsonElement? more = s.TryGetProperty("additionalProperties", out var a) ? a : null;
        if (more?.ValueKind == JsonValueKind.False) return Members(properties, required, false, at);
        return Members(properties, required, more is not null || properties.Length == 0, at, more);
    }

    private HashSet<int> Members(
        (string Name, JsonElement Value)[] properties, string[] required, bool open, int at, JsonElement? more = null)
    {
        var before = Space(Literal("{", at));
        var after = new HashSet<int>();
        foreach (var (name, value) in properties)
        {
            var starts = before.Concat(Comma(after));
            var pairs = starts.SelectMany(p => Literal(JsonSerializer.Serialize(name, Plain), p)).ToHashSet();
            var ends = Space(Each(pairs, p => Literal(":", p)));
            var done = Each(ends, p => Value(value, p));
            if (required.Contains(name)) (before, after) = ([], done);
            else after = [.. after, .. done];
        }

        var all = new HashSet<int>([.. before, .. after]);
        if (open)
        {
            string[] names = [.. properties.Select(p => p.Name)];
            var starts = new HashSet<int>([.. before, .. Comma(after)]);
            while (starts.Count > 0)
            {
                var keys = Each(starts, p => String(p, 1, int.MaxValue, escapes: false, names));
                var ends = Each(Space(Each(keys, p => Literal(":", p))), p => more is { } m ? Value(m, p) : Any(p));
                var fresh = ends.Where(all.Add).ToHashSet();
                starts = Comma(fresh);
            }
        }

        return Each(Space(all), p => Literal("}", p));
    }

    private HashSet<int> Array(JsonElement s, int at)
    {
        var (min, max) = (Int(s, "minItems") ?? 0, Int(s, "maxItems") ?? int.MaxValue);
        return s.TryGetProperty("items", out var items) ? Items(items, min, max, at, any: false) : Items(default, min, max, at, any: true);
    }

    private HashSet<int> Items(JsonElement item, int min, int max, int at, bool any)
    {
        var starts = Space(Literal("[", at));
        var stop = new HashSet<int>(min == 0 ? starts : []);
        for (var n = 1; n <= max && starts.Count > 0 && n <= _text.Length + 1; n++)
        {
            var ends = Each(starts, p => any ? Any(p) : Value(item, p));
            if (n >= min) stop.UnionWith(ends);
            starts = n < max ? Comma(ends) : [];
        }

        return Each(Space(stop), p => Literal("]", p));
    }

    private HashSet<int> String(int at, int min, int max, bool escapes, string[] without)
    {
        if (at >= _text.Length) return Open();
        if (_text[at] != '"') return [];
        var content = new StringBuilder();
        var i = at + 1;
        for (var n = 0; ; n++)
        {
            if (i == _text.Length) return n <= max ? Open() : [];
            if (_text[i] == '"') return n >= min && n <= max && !without.Contains(content.ToString()) ? [i + 1] : [];
            if (n >= max || _text[i] < 0x20) return [];
            if (_text[i] == '\\')
            {
                if (!escapes) return [];
                var rest = Encoding.Latin1.GetString(_text, i, _text.Length - i);
                if (Escape().Match(rest) is { Success: true } m)
                {
                    i += m.Length;
                    continue;
                }

                return HalfEscape().IsMatch(rest) ? Open() : [];
            }

            switch (Rune.DecodeFromUtf8(_text.AsSpan(i), out var rune, out var length))
            {
                case OperationStatus.NeedMoreData:
                    return Open();
                case OperationStatus.Done:
                    content.Append(rune);
                    i += length;
                    break;
                default:
                    return [];
            }
        }
    }

    private HashSet<int> Integer(int at, long low, long high)
    {
        var ends = new HashSet<int>();
        for (var end = at; end <= _text.Length; end++)
        {
            var text = Encoding.Latin1.GetString(_text, at, end - at);
            if (!HalfInteger().IsMatch(text)) break;
            if (text is not ("" or "-") && text != "-0" && BigInteger.Parse(text, CultureInfo.InvariantCulture) is var v && v >= low
                && v <= high) ends.Add(end);
            if (end == _text.Length && CanGrow(text, low, high)) _open = true;
        }

        return ends;
    }

    // Whether some integer of the range begins like this.
    private static bool CanGrow(string text, long low, long high)
    {
        if (text.Length == 0) return low <= high;
        var negative = text[0] == '-';
        var digits = negative ? text[1..] : text;
        var (from, to) = negative ? (BigInteger.Max(1, -(BigInteger)high), -(BigInteger)low) : (BigInteger.Max(0, low), (BigInteger)high);
        if (digits.Length == 0) return from <= to;
        if (digits == "0") return from <= 0 && to >= 0 && !negative;
        for (var zeros = 0; zeros < 22; zeros++)
        {
            var scale = BigInteger.Pow(10, zeros);
            var first = BigInteger.Parse(digits, CultureInfo.InvariantCulture) * scale;
            if (first <= to && first + scale - 1 >= from) return true;
        }

        return false;
    }

    private HashSet<int> Number(int at)
    {
        var ends = new HashSet<int>();
        for (var end = at; end <= _text.Length; end++)
        {
            var text = Encoding.Latin1.GetString(_text, at, end - at);
            if (WholeNumber().IsMatch(text)) ends.Add(end);
            if (!HalfNumber().IsMatch(text)) break;
            if (end == _text.Length) _open = true;
        }

        return ends;
    }

    private HashSet<int> Literal(string text, int at)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var i = 0; i < bytes.Length; i++)
        {
            if (at + i == _text.Length) return Open();
            if (_text[at + i] != bytes[i]) return [];
        }

        return [at + bytes.Length];
    }

    private HashSet<int> Space(IEnumerable<int> starts) => Each(starts.ToHashSet(), p =>
    {
        if (p == _text.Length) _open = true;
        var ends = new HashSet<int> { p };
        if (p < _text.Length && _text[p] == ' ') ends.Add(p + 1);
        if (p >= _text.Length || _text[p] != '\n') return ends;
        foreach (var (c, most) in new[] { (' ', 24), ('\t', 12) })
        {
            for (var n = 0; n <= most; n++)
            {
                ends.Add(p + 1 + n);
                if (p + 1 + n == _text.Length) _open = true;
                if (p + 1 + n >= _text.Length || _text[p + 1 + n] != c) break;
            }
        }

        return ends;
    });

    private HashSet<int> Comma(IEnumerable<int> ends) => Space(Each(ends.ToHashSet(), p => Literal(",", p)));

    private HashSet<int> Open()
    {
        _open = true;
        return [];
    }

    private JsonElement Resolve(string reference) => reference == "#" ? root
        : reference[2..].Split('/').Aggregate(root, (at, name) => at.GetProperty(name));

    private static HashSet<int> Each(IEnumerable<int> starts, Func<int, HashSet<int>> next) => [.. starts.SelectMany(next)];

    private static int? Int(JsonElement s, string key) => s.TryGetProperty(key, out var v) ? v.GetInt32() : null;

    [GeneratedRegex(@"^\\(?:[""\\/bfnrt]|u(?:[0-9abcefABCEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))")]
    private static partial Regex Escape();

    [GeneratedRegex(@"^\\(?:u(?:[0-9abcefABCEF][0-9a-fA-F]{0,2}|[dD](?:[0-7][0-9a-fA-F]?)?|[dD][89abAB](?:[0-9a-fA-F](?:[0-9a-fA-F](?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?)?)?)?)?\z")]
    private static partial Regex HalfEscape();

    [GeneratedRegex(@"^(?:-?|-?0|-?[1-9][0-9]*)\z")]
    private static partial Regex HalfInteger();

    [GeneratedRegex(@"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?(?:[eE](?:\+?[0-9]|-[0-9]{1,2}))?\z")]
    private static partial Regex WholeNumber();

    [GeneratedRegex(@"^(?:-?|-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{0,15})?|-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?[eE](?:\+?[0-9]?|-[0-9]{0,2}))\z")]
    private static partial Regex HalfNumber();
}
