using System.Globalization;
using System.Text;
using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>JSON as Python's <c>json.dumps(x, ensure_ascii=False)</c> writes it, which is what the models were trained on: <c>",
/// "</c>, <c>": "</c>, key order kept.</summary>
internal static class PythonJson
{
    /// <summary>Rewrites the text of a JSON object.</summary>
    /// <param name="json">The text; empty counts as no keys.</param>
    /// <param name="what">What it is, for the message.</param>
    /// <exception cref="PromptException">It is not a JSON object.</exception>
    public static string Object(string json, string what)
    {
        if (string.IsNullOrWhiteSpace(json)) return "{}";
        try
        {
            using var document = StrictJson.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new PromptException($"Of {what}, JSON {document.RootElement.ValueKind} was found; expected an object.");
            var text = new StringBuilder(json.Length + 16);
            Write(text, document.RootElement);
            return text.ToString();
        }
        catch (JsonException e)
        {
            throw new PromptException($"Of {what}, the JSON cannot be read: {e.Message} Expected an object.");
        }
    }

    /// <summary>A string in quotes.</summary>
    public static string Quote(string value)
    {
        var text = new StringBuilder(value.Length + 2).Append('"');
        foreach (var c in value)
        {
            text.Append(c switch
            {
                '"' => "\\\"",
                '\\' => @"\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\b' => "\\b",
                '\f' => "\\f",
                < ' ' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }

        return text.Append('"').ToString();
    }

    private static void Write(StringBuilder text, JsonElement json)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(text, json);
                break;
            case JsonValueKind.Array:
                text.Append('[');
                var first = true;
                foreach (var item in json.EnumerateArray())
                {
                    if (!first) text.Append(", ");
                    first = false;
                    Write(text, item);
                }

                text.Append(']');
                break;
            case JsonValueKind.String:
                text.Append(Quote(json.GetString()!));
                break;
            case JsonValueKind.Number:
                text.Append(Number(json.GetRawText()));
                break;
            default:
                text.Append(json.GetRawText());
                break;
        }
    }

    // A repeated key keeps its first place and its last value, as a Python dict does.
    private static void WriteObject(StringBuilder text, JsonElement json)
    {
        var values = new OrderedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var p in json.EnumerateObject()) values[p.Name] = p.Value;
        text.Append('{');
        var first = true;
        foreach (var (key, value) in values)
        {
            if (!first) text.Append(", ");
            first = false;
            text.Append(Quote(key)).Append(": ");
            Write(text, value);
        }

        text.Append('}');
    }

    // Integers stay as written (-0 is 0 in Python); others are Python's repr of the double: shortest digits, exponent outside 1e-4..1e16.
    private static string Number(string raw)
    {
        if (raw.AsSpan().IndexOfAny('.', 'e', 'E') < 0) return raw == "-0" ? "0" : raw;
        var value = double.Parse(raw, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (double.IsInfinity(value)) return value > 0 ? "Infinity" : "-Infinity";
        var shortest = value.ToString("E16", CultureInfo.InvariantCulture);
        for (var digits = 0; digits < 17; digits++)
        {
            shortest = value.ToString("E" + digits, CultureInfo.InvariantCulture);
            if (double.Parse(shortest, CultureInfo.InvariantCulture) == value) break;
        }

        var at = shortest.IndexOf('E');
        var exponent = int.Parse(shortest[(at + 1)..], CultureInfo.InvariantCulture);
        var sign = shortest[0] == '-' ? "-" : "";
        var mantissa = shortest[sign.Length..at];
        if (exponent is < -4 or >= 16) return $"{sign}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        var figures = mantissa.Replace(".", "", StringComparison.Ordinal);
        if (exponent < 0) return sign + "0." + new string('0', -exponent - 1) + figures;
        return figures.Length <= exponent + 1
            ? sign + figures.PadRight(exponent + 1, '0') + ".0"
            : sign + figures[..(exponent + 1)] + "." + figures[(exponent + 1)..];
    }
}
