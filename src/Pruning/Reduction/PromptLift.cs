namespace D2Pruner.AI.Pruning;

/// <summary>Collects the images' choices and lifts them to rows of the whole sequence.</summary>
internal sealed class PromptLift
{
    private readonly PromptReductionState _state;
    private readonly bool[] _keep;
    private readonly int[] _positions; // carried position per row before the stage
    private readonly int[]?[] _remaining;
    private readonly List<MergeWeight> _merges = []; // Output is still a row before the stage
    private bool _merged;

    public PromptLift(PromptReductionState state)
    {
        _state = state;
        _keep = new bool[state.Length];
        Array.Fill(_keep, true);
        _positions = [.. state.Positions];
        _remaining = [.. state.Remaining];
    }

    /// <summary>Applies one image's checked reduction; returns the kept layout indices, ascending.</summary>
    public int[] Image(int image, int[] rows, int[]? remaining, TokenReduction reduction)
    {
        foreach (var row in rows) _keep[row] = false;
        var kept = reduction.Kept;
        for (var k = 0; k < kept.Length; k++)
        {
            _keep[rows[kept[k]]] = true;
            if (reduction.Positions is not { } positions) continue;
            if (positions[k] < 0 || positions[k] >= _state.PromptLength)
                throw new InvalidOperationException(
                    $"The pruner gave image {image} the position {positions[k]}; the prompt has {_state.PromptLength}.");
            _positions[rows[kept[k]]] = positions[k];
        }
        if (reduction.MergeWeights is { } merges)
        {
            _merged = true;
            foreach (var m in merges) _merges.Add(new MergeWeight(rows[kept[m.Output]], rows[m.Source], m.Weight));
        }

        var indices = remaining is null ? kept : Array.ConvertAll(kept, k => remaining[k]);
        // The last prompt token feeds the logits: it stays whatever it is, on top of the budget.
        var last = Array.IndexOf(rows, _keep.Length - 1);
        if (last >= 0 && !_keep[^1])
        {
            _keep[^1] = true;
            indices = [.. indices.Append(remaining is null ? last : remaining[last]).Order()];
        }
        _remaining[image] = indices;
        return indices;
    }

    public PromptReductionStep Finish(ImageReduction[] images, bool reindex)
    {
        var rows = Enumerable.Range(0, _keep.Length).Where(r => _keep[r]).ToArray();
        var after = new int[_keep.Length];
        for (var r = 0; r < rows.Length; r++) after[rows[r]] = r;
        return new PromptReductionStep(rows,
            _merged ? _merges.ConvertAll(m => m with { Output = after[m.Output] }) : null,
            images,
            _state.Keep(rows, reindex ? [.. Enumerable.Range(0, rows.Length)]
                : Array.ConvertAll(rows, r => _positions[r]), _remaining, reindex))
        {
            KeepsEverything = rows.Length == _keep.Length && !_merged && (!reindex || _state.HasOriginalPositions),
        };
    }
}
