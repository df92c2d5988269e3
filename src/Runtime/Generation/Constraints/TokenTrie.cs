namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>Tokens by their bytes, as a tree written out in depth-first order: a walk is a scan that jumps
/// over subtrees that do not fit.</summary>
internal sealed class TokenTrie
{
    private readonly byte[] _label;
    private readonly ushort[] _depth;
    private readonly int[] _end;
    private readonly int[] _tokens;
    private readonly int[] _firstToken;
    private readonly int[][] _tables;

    /// <param name="tokens">Ids and bytes; none empty.</param>
    public TokenTrie(IEnumerable<(int Id, byte[] Bytes)> tokens)
    {
        var sorted = tokens.ToArray();
        Array.Sort(sorted, (a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes) is not 0 and var c ? c : a.Id.CompareTo(b.Id));
        var label = new List<byte>();
        var depth = new List<ushort>();
        var first = new List<int>();
        var ids = new List<int>(sorted.Length);
        ReadOnlySpan<byte> before = [];
        var deepest = 0;
        foreach (var (id, bytes) in sorted)
        {
            for (var d = before.CommonPrefixLength(bytes); d < bytes.Length; d++)
            {
                label.Add(bytes[d]);
                depth.Add((ushort)(d + 1));
                first.Add(ids.Count);
            }

            ids.Add(id);
            before = bytes;
            deepest = Math.Max(deepest, bytes.Length);
        }

        first.Add(ids.Count);
        (_label, _depth, _firstToken, _tokens) = ([.. label], [.. depth], [.. first], [.. ids]);
        _end = new int[_label.Length];
        var open = new Stack<int>();
        for (var i = 0; i <= _label.Length; i++)
        {
            while (open.TryPeek(out var top) && (i == _label.Length || _depth[top] >= _depth[i])) _end[open.Pop()] = i;
            open.Push(i);
        }

        _tables = new int[deepest + 1][];
    }

    public int Nodes => _label.Length;

    /// <summary>Sets the bits of all tokens that lead from a state to one of at most a given cost.</summary>
    /// <returns>The largest cost after such a token; -1 where there is none.</returns>
    public int Walk(ByteAutomaton automaton, AutomatonState state, ulong[] mask, int costLimit)
    {
        var largest = -1;
        _tables[0] = automaton.Table(state);
        for (var i = 0; i < _label.Length;)
        {
            var d = _depth[i];
            var next = _tables[d - 1][_label[i]];
            if (next < 0)
            {
                i = _end[i];
                continue;
            }

            var (from, to) = (_firstToken[i], _firstToken[i + 1]);
            if (from < to && automaton[next].Cost is var cost && cost <= costLimit)
            {
                largest = Math.Max(largest, cost);
                for (; from < to; from++) mask[_tokens[from] >> 6] |= 1UL << (_tokens[from] & 63);
            }

            if (_end[i] > i + 1) _tables[d] = automaton.Table(automaton[next]);
            i++;
        }

        return largest;
    }

    /// <summary>Lengths of the tokens that are prefixes of a text.</summary>
    public IEnumerable<int> Prefixes(ReadOnlyMemory<byte> text)
    {
        var (i, end) = (0, _label.Length);
        for (var d = 0; d < text.Length; d++)
        {
            while (i < end && _label[i] != text.Span[d]) i = _end[i];
            if (i >= end) yield break;
            if (_firstToken[i] < _firstToken[i + 1]) yield return d + 1;
            end = _end[i++];
        }
    }
}
