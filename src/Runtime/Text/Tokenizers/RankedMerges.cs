namespace D2Pruner.AI.Runtime.Text;

/// <summary>Merges by rank: the order of the lines in tokenizer.json or merges.txt.</summary>
internal sealed class RankedMerges(Dictionary<string, int> vocabulary, int capacity = 0) : IMergeTable
{
    private readonly Dictionary<long, (int Rank, int Merged)> _merges = new(capacity);
    private int _next;

    /// <summary>Adds the next merge.</summary>
    /// <exception cref="TokenizerException">One of the three pieces is not in the vocabulary.</exception>
    public void Add(string left, string right)
    {
        if (!vocabulary.TryGetValue(left, out var l) || !vocabulary.TryGetValue(right, out var r)
            || !vocabulary.TryGetValue(left + right, out var merged))
            throw new TokenizerException(
                $"The merge '{left} {right}' (number {_next}) names pieces that are not in the vocabulary; vocabulary and merges are not " +
                "of one model.");
        _merges.TryAdd(Key(l, r), (_next++, merged));
    }

    /// <summary>Adds the next merge, written as two pieces with a space between them.</summary>
    /// <exception cref="TokenizerException">It is not two pieces of the vocabulary.</exception>
    public void Add(string line)
    {
        var space = line.Length < 3 ? -1 : line.IndexOf(' ', 1);
        if (space < 0 || space == line.Length - 1)
            throw new TokenizerException($"The merge '{line}' (number {_next}) is not two pieces with a space between them.");
        Add(line[..space], line[(space + 1)..]);
    }

    public bool TryMerge(int left, int right, out int merged, out double priority)
    {
        var found = _merges.TryGetValue(Key(left, right), out var m);
        (merged, priority) = (m.Merged, m.Rank);
        return found;
    }

    private static long Key(int left, int right) => ((long)left << 32) | (uint)right;
}
