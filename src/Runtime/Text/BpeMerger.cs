namespace D2Pruner.AI.Runtime.Text;

/// <summary>What two neighbouring symbols merge into, and how urgently (lower first).</summary>
internal interface IMergeTable
{
    bool TryMerge(int left, int right, out int merged, out double priority);
}

/// <summary>Merges by rank (tokenizer.json, merges.txt).</summary>
internal sealed class RankedMerges(Dictionary<(int, int), (int Rank, int Merged)> merges) : IMergeTable
{
    public bool TryMerge(int left, int right, out int merged, out double priority)
    {
        var found = merges.TryGetValue((left, right), out var m);
        (merged, priority) = (m.Merged, m.Rank);
        return found;
    }
}

/// <summary>Merges by piece score (SentencePiece): any pair whose concatenation is a piece, the highest score first.</summary>
internal sealed class ScoredMerges(IReadOnlyList<string> pieces, IReadOnlyList<float> scores, IReadOnlyDictionary<string, int> ids) : IMergeTable
{
    public bool TryMerge(int left, int right, out int merged, out double priority)
    {
        priority = 0;
        if (!ids.TryGetValue(pieces[left] + pieces[right], out merged)) return false;
        priority = -scores[merged];
        return true;
    }
}

/// <summary>Byte-pair merging with a heap over a linked list: n log n in the length of the word.</summary>
internal static class BpeMerger
{
    public static void Merge(List<int> symbols, IMergeTable table)
    {
        var n = symbols.Count;
        if (n < 2) return;
        var next = new int[n];
        var previous = new int[n];
        var heap = new PriorityQueue<(int At, int Left, int Right, int Merged), (double, int)>();
        for (var i = 0; i < n; i++)
        {
            next[i] = i + 1 < n ? i + 1 : -1;
            previous[i] = i - 1;
        }

        void Offer(int i)
        {
            if (i < 0 || next[i] < 0) return;
            var (l, r) = (symbols[i], symbols[next[i]]);
            if (table.TryMerge(l, r, out var merged, out var priority)) heap.Enqueue((i, l, r, merged), (priority, i));
        }

        for (var i = 0; i < n; i++) Offer(i);
        while (heap.TryDequeue(out var m, out _))
        {
            var right = symbols[m.At] == m.Left ? next[m.At] : -1;
            if (right < 0 || symbols[right] != m.Right) continue; // one of the two is gone
            symbols[m.At] = m.Merged;
            symbols[right] = -1;
            next[m.At] = next[right];
            if (next[right] >= 0) previous[next[right]] = m.At;
            Offer(previous[m.At]);
            Offer(m.At);
        }

        symbols.RemoveAll(s => s < 0);
    }
}
