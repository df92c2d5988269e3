using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace D2Pruner.AI.Pruning;

/// <summary>Values of a method's parameters by name: numbers (<see cref="double"/>) and texts.
/// Immutable; equal where all values are.</summary>
public sealed class PrunerValues : IReadOnlyDictionary<string, object>, IEquatable<PrunerValues>
{
    private readonly ImmutableSortedDictionary<string, object> _values;

    private PrunerValues(ImmutableSortedDictionary<string, object> values) => _values = values;

    /// <summary>No values.</summary>
    public static PrunerValues Empty { get; } = new(ImmutableSortedDictionary.Create<string, object>(StringComparer.OrdinalIgnoreCase));

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _values.Keys;

    /// <inheritdoc/>
    public IEnumerable<object> Values => _values.Values;

    /// <inheritdoc/>
    public int Count => _values.Count;

    /// <inheritdoc/>
    public object this[string key] => _values[key];

    /// <summary>These values and one more (or another one under the same name).</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="value">A number or a text; checked against a method's range when the method is made.</param>
    public PrunerValues With(string name, object value) =>
        new(_values.SetItem(name, value is string ? value : value is IConvertible and not Enum
            ? Convert.ToDouble(value, CultureInfo.InvariantCulture) : value.ToString()!));

    /// <summary>The number under the parameter's name, or its default.</summary>
    /// <exception cref="ArgumentException">The value is no number, or out of the parameter's range.</exception>
    public double Number(PrunerParameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return (double)Value(parameter);
    }

    /// <summary>The whole number under the parameter's name, or its default.</summary>
    /// <exception cref="ArgumentException">The value is no whole number, or out of the parameter's range.</exception>
    public int Whole(PrunerParameter parameter) => (int)Number(parameter);

    /// <summary>The text under the parameter's name, or its default.</summary>
    /// <exception cref="ArgumentException">The value is none of the parameter's choices.</exception>
    public string Text(PrunerParameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return (string)Value(parameter);
    }

    /// <summary>The checked value under the parameter's name, or its default.</summary>
    /// <exception cref="ArgumentException">The value does not fit the parameter.</exception>
    public object Value(PrunerParameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return _values.TryGetValue(parameter.Name, out var value) ? parameter.Read(value) : parameter.Default;
    }

    /// <inheritdoc/>
    public bool ContainsKey(string key) => _values.ContainsKey(key);

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out object value) => _values.TryGetValue(key, out value);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object>> GetEnumerator() => _values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(PrunerValues? other) =>
        other is not null && Count == other.Count
            && _values.All(p => other._values.TryGetValue(p.Key, out var value) && p.Value.Equals(value));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PrunerValues);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        _values.Aggregate(0, (hash, p) => HashCode.Combine(hash, StringComparer.OrdinalIgnoreCase.GetHashCode(p.Key), p.Value));

    /// <summary><c>alpha = 1, theta = 0.8</c>.</summary>
    public override string ToString() =>
        string.Join(", ", _values.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Key} = {p.Value}")));
}
