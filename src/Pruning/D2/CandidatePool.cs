namespace D2Pruner.AI.Pruning;

/// <summary>Which tokens are selected and which are still available, as bits.</summary>
internal sealed class CandidatePool
{
    private readonly ulong[] _selected;
    private readonly ulong[] _unavailable;

    public CandidatePool(int count)
    {
        _selected = new ulong[(count + 63) / 64];
        _unavailable = new ulong[_selected.Length];
        Count = count;
    }

    public int Count { get; }

    public int Selected { get; private set; }

    public bool IsSelected(int token) => (_selected[token >> 6] >> token & 1) != 0;

    public bool IsAvailable(int token) => (_unavailable[token >> 6] >> token & 1) == 0;

    /// <summary>Selects a token; it is not available any more.</summary>
    public void Select(int token)
    {
        _selected[token >> 6] |= 1UL << token;
        _unavailable[token >> 6] |= 1UL << token;
        Selected++;
    }

    /// <summary>Takes a token's neighbours out of the pool (selected ones stay selected).</summary>
    public void Exclude(ReadOnlySpan<ulong> neighbours)
    {
        for (var w = 0; w < neighbours.Length; w++) _unavailable[w] |= neighbours[w];
    }

    /// <summary>Makes every token available again that is neither selected nor, in this graph, a neighbour of a selected one.</summary>
    public void Reopen(AdjacencyBits graph)
    {
        _selected.CopyTo(_unavailable, 0);
        for (var token = 0; token < Count; token++)
        {
            if (IsSelected(token)) Exclude(graph.Row(token));
        }
    }

    /// <summary>The selected tokens, ascending.</summary>
    public int[] ToIndices()
    {
        var indices = new int[Selected];
        for (int token = 0, k = 0; token < Count; token++)
        {
            if (IsSelected(token)) indices[k++] = token;
        }
        return indices;
    }
}
