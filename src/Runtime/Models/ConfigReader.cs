using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>Reads values of a configuration object and collects everything that is wrong, so that one error can name it all.</summary>
internal sealed class ConfigReader
{
    private readonly JsonElement _json;
    private readonly string _where;
    private readonly List<string> _problems;

    /// <summary>Creates a reader over a file's object.</summary>
    /// <param name="json">The object.</param>
    /// <param name="where">Where it stands, for problems.</param>
    public ConfigReader(JsonElement json, string where = "config.json") : this(json, where, [])
    {
    }

    private ConfigReader(JsonElement json, string where, List<string> problems) => (_json, _where, _problems) = (json, where, problems);

    /// <summary>The object itself.</summary>
    public JsonElement Json => _json;

    /// <summary>Everything wrong so far.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Whether a key is there and not null.</summary>
    public bool Has(string key) => TryGet(key, out _);

    /// <summary>A nested object; empty when absent.</summary>
    public ConfigReader Child(string key)
    {
        var where = $"{_where}:{key}";
        if (!TryGet(key, out var value)) return new ConfigReader(JsonDocument.Parse("{}").RootElement, where, _problems);
        if (value.ValueKind == JsonValueKind.Object) return new ConfigReader(value, where, _problems);
        _problems.Add($"{where} is {Short(value)}, not an object.");
        return new ConfigReader(JsonDocument.Parse("{}").RootElement, where, _problems);
    }

    /// <summary>A nested object that must be there.</summary>
    public ConfigReader RequiredChild(string key)
    {
        if (!Has(key)) _problems.Add($"{_where} has no '{key}'.");
        return Child(key);
    }

    /// <summary>A whole number of a range; <paramref name="fallback"/> null means that it must be there.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fallback">The value of an absent key.</param>
    /// <param name="min">Smallest.</param>
    /// <param name="max">Largest that a model can mean; it is checked before anything is made of that size.</param>
    public int Int(string key, int? fallback, int min = 1, int max = int.MaxValue)
    {
        if (!TryGet(key, out var value))
        {
            if (fallback is { } f) return f;
            _problems.Add($"{_where} has no '{key}' (a whole number).");
            return Math.Max(1, min);
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var i) && i >= min && i <= max) return i;
        _problems.Add($"{_where}:{key} is {Short(value)}; expected a whole number " +
            $"{(max == int.MaxValue ? $"of at least {min}" : $"from {min} to {max}")}.");
        return fallback ?? Math.Max(1, min);
    }

    /// <summary>A finite number of a range.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fallback">The value of an absent key; null means that it must be there.</param>
    /// <param name="min">Smallest.</param>
    /// <param name="max">Largest.</param>
    public double Double(string key, double? fallback, double min = double.MinValue, double max = double.MaxValue)
    {
        if (!TryGet(key, out var value))
        {
            if (fallback is { } f) return f;
            _problems.Add($"{_where} has no '{key}' (a number).");
            return 1;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var d) && d >= min && d <= max) return d;
        _problems.Add($"{_where}:{key} is {Short(value)}; expected a number{(min == double.MinValue ? "" : $" from {min:R} to {max:R}")}.");
        return fallback ?? 1;
    }

    /// <summary>A truth value.</summary>
    public bool Bool(string key, bool fallback)
    {
        if (!TryGet(key, out var value)) return fallback;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        _problems.Add($"{_where}:{key} is {Short(value)}; expected true or false.");
        return fallback;
    }

    /// <summary>A text.</summary>
    public string Text(string key, string fallback)
    {
        if (!TryGet(key, out var value)) return fallback;
        if (value.ValueKind == JsonValueKind.String) return value.GetString()!;
        _problems.Add($"{_where}:{key} is {Short(value)}; expected a text.");
        return fallback;
    }

    /// <summary>One integer or a list of them.</summary>
    public int[] Ints(string key, int[] fallback)
    {
        if (!TryGet(key, out var value)) return fallback;
        JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
        if (items.Length > 0 && items.All(i => i.ValueKind == JsonValueKind.Number && i.TryGetInt32(out _)))
            return [.. items.Select(i => i.GetInt32())];
        _problems.Add($"{_where}:{key} is {Short(value)}; expected whole numbers.");
        return fallback;
    }

    /// <summary>One of several texts.</summary>
    public string OneOf(string key, string fallback, params string[] allowed)
    {
        var text = Text(key, fallback);
        if (!allowed.Contains(text)) _problems.Add($"{_where}:{key} is '{text}'; supported are {string.Join(", ", allowed)}.");
        return text;
    }

    /// <summary>Adds a problem.</summary>
    public void Require(bool condition, string problem)
    {
        if (!condition) _problems.Add($"{_where}: {problem}");
    }

    /// <summary>Throws when anything was wrong.</summary>
    /// <exception cref="CheckpointException">Something was.</exception>
    public void ThrowIfBad(string folder)
    {
        if (_problems.Count > 0) throw new CheckpointException(folder, [.. _problems]);
    }

    private static string Short(JsonElement value) => value.GetRawText() is var text && text.Length > 80 ? text[..80] + "..." : text;

    private bool TryGet(string key, out JsonElement value) =>
        _json.TryGetProperty(key, out value) && value.ValueKind is not JsonValueKind.Null and not JsonValueKind.Undefined;
}
