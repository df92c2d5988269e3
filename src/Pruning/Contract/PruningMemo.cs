using System.Collections.Concurrent;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// What a pruner computed of an image alone (not of the question), for further questions about the same image: similarity graphs. Values
/// must depend on nothing but the image's features before the prune point and the key. Safe for concurrent use.
/// </summary>
public sealed class PruningMemo
{
    private readonly ConcurrentDictionary<string, (object Value, long Bytes)> _values = new(StringComparer.Ordinal);

    /// <summary>Bytes held.</summary>
    public long Bytes => _values.Values.Sum(v => v.Bytes);

    /// <summary>What is known under a key, or what <paramref name="create"/> makes.</summary>
    /// <param name="key">Names the value and every setting that it depends on.</param>
    /// <param name="create">Computes it.</param>
    /// <param name="bytes">Its size.</param>
    public T GetOrAdd<T>(string key, Func<T> create, Func<T, long> bytes)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(create);
        ArgumentNullException.ThrowIfNull(bytes);
        if (_values.TryGetValue(key, out var known)) return (T)known.Value;
        var value = create();
        _values[key] = (value, bytes(value));
        return value;
    }
}
