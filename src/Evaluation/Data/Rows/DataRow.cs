using System.Globalization;
using System.Text.Json;

namespace D2Pruner.AI.Evaluation.Data.Rows;

/// <summary>A row of a published file, whatever its container: fields by name, read with a clear complaint where they
/// are not what a data set needs.</summary>
/// <param name="Place">Where it stands, for messages: file and row.</param>
/// <param name="Fields">Values: text, numbers, booleans, bytes, lists, objects (as dictionaries), or null.</param>
internal sealed record DataRow(string Place, IReadOnlyDictionary<string, object?> Fields)
{
    /// <summary>The first of some fields that is there and not null.</summary>
    public object? Find(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Fields.TryGetValue(name, out var value) && value is not null) return value;
        }

        return null;
    }

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A field's text; numbers are written as they stand.</summary>
    /// <exception cref="RowException">None of the fields is there.</exception>
    public string Text(params ReadOnlySpan<string> names) => ToText(Find(names)) ?? throw Missing(names);

    /// <summary>A field's text, or null.</summary>
    public string? TextOrNull(params ReadOnlySpan<string> names) => ToText(Find(names));

    /// <summary>A field's whole number.</summary>
    /// <exception cref="RowException">It is not there, or no whole number.</exception>
    public long Whole(params ReadOnlySpan<string> names)
    {
        var text = Text(names);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number == Math.Truncate(number)
            ? (long)number
            : throw new RowException($"'{names[0]}' is '{Short(text)}'; expected a whole number");
    }

    /// <summary>A field's texts: a list, or a single text as a list of one.</summary>
    /// <exception cref="RowException">It is not there, or empty.</exception>
    public List<string> Texts(params ReadOnlySpan<string> names)
    {
        var found = Find(names) ?? throw Missing(names);
        List<string> texts = found is IReadOnlyList<object?> list ? [.. list.Select(ToText).OfType<string>()] : [ToText(found)!];
        return texts.Count > 0 ? texts : throw new RowException($"'{names[0]}' is empty");
    }

    /// <summary>Answers of several people: a list of texts, or of objects with an <c>answer</c> each.</summary>
    /// <exception cref="RowException">They are not there.</exception>
    public List<string> Answers(params ReadOnlySpan<string> names)
    {
        if (Find(names) is not IReadOnlyList<object?> list) return Texts(names);
        List<string> answers = [.. list.Select(
            a => a is IReadOnlyDictionary<string, object?> o ? ToText(o.GetValueOrDefault("answer")) : ToText(a)).OfType<string>()];
        return answers.Count > 0 ? answers : throw new RowException($"'{names[0]}' is empty");
    }

    /// <summary>A field's four numbers.</summary>
    /// <exception cref="RowException">It is not there, or not four numbers.</exception>
    public double[] Box(params ReadOnlySpan<string> names)
    {
        if (Find(names) is not IReadOnlyList<object?> list) throw Missing(names);
        double[] box = [.. list.Select(v => v is null ? double.NaN : Convert.ToDouble(v, CultureInfo.InvariantCulture))];
        return box.Length == 4 && box.All(double.IsFinite) ? box
            : throw new RowException($"'{names[0]}' has {list.Count} values; expected four numbers");
    }

    /// <summary>An image inside the row: bytes, a struct with bytes, or base64.</summary>
    /// <exception cref="RowException">It is not there, or not readable.</exception>
    public byte[] Image(params ReadOnlySpan<string> names) => ImageOrNull(names) ?? throw Missing(names);

    /// <summary>An image inside the row, or null.</summary>
    /// <exception cref="RowException">It is there and not readable.</exception>
    public byte[]? ImageOrNull(params ReadOnlySpan<string> names)
    {
        switch (Find(names))
        {
            case null: return null;
            case byte[] bytes: return bytes;
            case IReadOnlyDictionary<string, object?> o when o.GetValueOrDefault("bytes") is byte[] inner: return inner;
            case string text:
                try
                {
                    return Convert.FromBase64String(text);
                }
                catch (FormatException)
                {
                    throw new RowException($"'{names[0]}' is no base64");
                }

            default: throw new RowException($"'{names[0]}' holds no image bytes");
        }
    }

    /// <summary>A JSON value as fields hold it.</summary>
    public static object? Of(JsonElement e) => e.ValueKind switch
    {
        JsonValueKind.String => e.GetString(),
        JsonValueKind.Number => e.TryGetInt64(out var whole) ? whole : e.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => e.EnumerateArray().Select(Of).ToList(),
        JsonValueKind.Object => Object(e),
        _ => null,
    };

    /// <summary>A JSON object's fields.</summary>
    public static Dictionary<string, object?> Object(JsonElement e)
    {
        var fields = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var p in e.EnumerateObject()) fields[p.Name] = Of(p.Value);
        return fields;
    }

    private static string? ToText(object? value) =>
        value switch { null => null, string s => s, bool b => b ? "true"
            : "false", IFormattable f => f.ToString(null, CultureInfo.InvariantCulture), _ => null };

    private static RowException Missing(ReadOnlySpan<string> names) => new($"no '{string.Join("' or '", names.ToArray())}'");

    private static string Short(string text) => text.Length > 40 ? text[..40] + "..." : text;
}
