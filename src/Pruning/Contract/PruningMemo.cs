namespace D2Pruner.AI.Pruning;

/// <summary>
/// What a pruner computed of an image alone (not of the question), for further questions about the same image: similarity graphs. Values
/// must depend on nothing but the image's features before the prune point and the key. Only the few used last are kept: keys hold
/// settings, which callers choose. Safe for concurrent use.
/// </summary>
public sealed class PruningMemo
{
    private const int Most = 4;
    private readonly Lock _gate = new();
    private readonly List<(string Key, object Value, long Bytes)> _values = []; // used last at the end

    /// <summary>Bytes held.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate) return _values.Sum(v => v.Bytes);
        }
    }

    /// <summary>What is known under a key, or what <paramref name="create"/> makes.</summary>
    /// <param name="key">Names the value and every setting that it depends on.</param>
    /// <param name="create">Computes it.</param>
    /// <param name="bytes">Its size.</param>
    public T GetOrAdd<T>(string key, Func<T> create, Func<T, long> bytes)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(create);
        ArgumentNullException.ThrowIfNull(bytes);
        lock (_gate)
        {
            var at = _values.FindIndex(v => v.Key == key);
            if (at >= 0)
            {
                var known = _values[at];
                _values.RemoveAt(at);
                _values.Add(known);
                return (T)known.Value;
            }
        }

        var value = create();
        var size = bytes(value);
        lock (_gate)
        {
            _values.RemoveAll(v => v.Key == key);
            if (_values.Count == Most) _values.RemoveAt(0);
            _values.Add((key, value, size));
        }

        return value;
    }
}
