using System.Runtime.InteropServices;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Byte-pair merging: the most urgent pair first, the leftmost of equals.</summary>
internal static class BpeMerger
{
    private const int ShortWord = 32;

    /// <summary>Merges a word's symbols in place.</summary>
    public static void Merge(List<int> symbols, IMergeTable table)
    {
        if (symbols.Count < 2) return;
        if (symbols.Count <= ShortWord) MergeShort(symbols, table);
        else MergeLong(symbols, table);
    }

    // Plain arrays beat a heap on the few symbols of a common word.
    private static void MergeShort(List<int> symbols, IMergeTable table)
    {
        Span<double> priority = stackalloc double[ShortWord];
        Span<int> merged = stackalloc int[ShortWord];
        var s = CollectionsMarshal.AsSpan(symbols);
        var n = s.Length;
        for (var i = 0; i < n - 1; i++) Look(s, i, table, priority, merged);
        while (n > 1)
        {
            var best = 0;
            for (var i = 1; i < n - 1; i++)
            {
                if (priority[i] < priority[best]) best = i;
            }

            if (double.IsPositiveInfinity(priority[best])) break;
            s[best] = merged[best];
            s[(best + 2)..n].CopyTo(s[(best + 1)..]);
            if (best + 2 < n)
            {
                priority[(best + 2)..n].CopyTo(priority[(best + 1)..]);
                merged[(best + 2)..n].CopyTo(merged[(best + 1)..]);
            }

            n--;
            if (best > 0) Look(s, best - 1, table, priority, merged);
            if (best < n - 1) Look(s, best, table, priority, merged);
        }

        symbols.RemoveRange(n, symbols.Count - n);
    }

    private static void Look(Span<int> s, int i, IMergeTable table, Span<double> priority, Span<int> merged)
    {
        if (!table.TryMerge(s[i], s[i + 1], out merged[i], out priority[i])) priority[i] = double.PositiveInfinity;
    }

    // A heap over a linked list: n log n, since a SentencePiece "word" is the whole text.
    private static void MergeLong(List<int> symbols, IMergeTable table)
    {
        var n = symbols.Count;
        var next = new int[n];
        var previous = new int[n];
        var heap = new PriorityQueue<(int At, int Left, int Right, int Merged), (double, int)>(n);
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
