using System.Globalization;
using System.Text.Json;

namespace D2Pruner.AI;

/// <summary>Reads scalars from a property bag whatever type they arrive in: typed, string, or JSON (Semantic Kernel
/// and caches send the latter two).</summary>
internal sealed class PropertyReader(IReadOnlyDictionary<string, object?>? properties, string where)
{
    private const int LongestShown = 200;

    public string? String(string key) => Value(key) switch
    {
        null => null,
        string s => s,
        Enum e => e.ToString(),
        var other => throw Unreadable(key, other, "a text"),
    };

    public double? Double(string key)
    {
        var value = Value(key);
        if (value is null) return null;
        var number = value switch
        {
            string s when double.TryParse(s, NumberStyles.Float, CultureInfo.InvariantCulture, out var d) => d,
            bool or string => throw Unreadable(key, value, "a number"),
            IConvertible c => Convert(key, c),
            _ => throw Unreadable(key, value, "a number"),
        };
        return double.IsFinite(number) ? number : throw Unreadable(key, value, "a finite number");
    }

    public int? Int(string key)
    {
        if (Double(key) is not { } number) return null;
        return number == Math.Truncate(number) && number is >= int.MinValue and <= int.MaxValue
            ? (int)number
            : throw Unreadable(key, number, "a whole number");
    }

    public bool? Bool(string key) => Value(key) switch
    {
        null => null,
        bool b => b,
        string s when bool.TryParse(s, out var b) => b,
        var other => throw Unreadable(key, other, "true or false"),
    };

    public TEnum? Enum<TEnum>(string key) where TEnum : struct, Enum
    {
        var value = Value(key);
        if (value is null) return null;
        if (value is TEnum typed && System.Enum.IsDefined(typed)) return typed;
        if (value is string s)
        {
            // By name only: Enum.Parse would also take "7" and "R1, R2".
            foreach (var name in System.Enum.GetNames<TEnum>())
                if (name.Equals(s.Trim(), StringComparison.OrdinalIgnoreCase)) return System.Enum.Parse<TEnum>(name);
        }
        throw Unreadable(key, value, "one of " + string.Join(", ", System.Enum.GetNames<TEnum>()).ToLowerInvariant());
    }

    /// <summary>Keys in this library's name space that nobody reads: most likely a typing error that would be lost in silence.</summary>
    public IEnumerable<string> UnknownKeys(IEnumerable<string> known) =>
        properties is null ? [] : properties.Keys.Where(
            k => k.StartsWith(D2PrunerKeys.Prefix, StringComparison.OrdinalIgnoreCase)
            && !known.Contains(k, StringComparer.OrdinalIgnoreCase));

    private object? Value(string key)
    {
        if (properties is null || !properties.TryGetValue(key, out var value)) return null;
        return value switch
        {
            JsonElement { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
            JsonElement { ValueKind: JsonValueKind.String } e => Text(key, e),
            JsonElement { ValueKind: JsonValueKind.Number } e => e.GetDouble(),
            JsonElement { ValueKind: JsonValueKind.True } => true,
            JsonElement { ValueKind: JsonValueKind.False } => false,
            string s when string.IsNullOrWhiteSpace(s) => null,
            _ => value,
        };
    }

    private string? Text(string key, JsonElement json)
    {
        try
        {
            return json.GetString();
        }
        catch (InvalidOperationException)
        {
            throw Unreadable(key, json, "a text that is Unicode"); // half of a surrogate pair
        }
    }

    private double Convert(string key, IConvertible value)
    {
        if (value is System.Enum or DateTime or char) throw Unreadable(key, value, "a number");
        // Through text for float, so that 0.3f reads as 0.3 and not as 0.30000001192.
        if (value is float f) return double.Parse(f.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return value.ToDouble(CultureInfo.InvariantCulture);
    }

    private ArgumentException Unreadable(string key, object value, string expected) =>
        RequestField.Mark(
            new ArgumentException($"'{key}' in {where} is '{Shown(value)}' ({value.GetType().Name}); expected {expected}."), key);

    // Objects of the caller's may be long, or fail to describe themselves.
    private static string Shown(object value)
    {
        try
        {
            var text = System.Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            return text.Length <= LongestShown ? text : text[..LongestShown] + "...";
        }
        catch (Exception)
        {
            return "not to be read";
        }
    }
}
