namespace D2Pruner.AI.Pruning;

/// <summary>What is left of a prompt after the stages so far: the sequence that the decoder holds, row by row. Immutable.</summary>
public sealed class PromptReductionState
{
    private readonly int[] _rowOf; // prompt position -> row, -1 where dropped

    private PromptReductionState(
        IReadOnlyList<VisualTokenLayout> layouts, int promptLength, int[] promptPositions, int[] positions, int[]?[] remaining)
    {
        (Layouts, PromptLength, PromptPositions, Positions, Remaining) = (layouts, promptLength, promptPositions, positions, remaining);
        _rowOf = new int[promptLength];
        Array.Fill(_rowOf, -1);
        for (var r = 0; r < promptPositions.Length; r++) _rowOf[promptPositions[r]] = r;
    }

    /// <summary>N, the length of the prompt before any pruning.</summary>
    public int PromptLength { get; }

    /// <summary>The layouts of all images, in request order.</summary>
    public IReadOnlyList<VisualTokenLayout> Layouts { get; }

    /// <summary>Prompt position that each row came from, strictly ascending, [M].</summary>
    public int[] PromptPositions { get; }

    /// <summary>Prompt position that each row carries, [M]: the one it came from unless a pruner said otherwise.
    /// Rotary tables are gathered by it.</summary>
    public int[] Positions { get; }

    /// <summary>Per image the layout indices still present, ascending; null where all are.</summary>
    public IReadOnlyList<int[]?> Remaining { get; }

    /// <summary>M, the number of rows left.</summary>
    public int Length => PromptPositions.Length;

    /// <summary>How far position ids moved back: an answer's first position is the prompt's next position less this. 0 unless a
    /// stage numbered positions anew.</summary>
    public int PositionShift { get; private init; }

    /// <summary>The state before any pruning.</summary>
    /// <param name="promptLength">N, at least 1.</param>
    /// <param name="layouts">The layouts of all images; may be empty.</param>
    /// <exception cref="ArgumentException">A layout's position lies outside the prompt or belongs to two tokens.</exception>
    public static PromptReductionState Start(int promptLength, IReadOnlyList<VisualTokenLayout> layouts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(promptLength, 1);
        ArgumentNullException.ThrowIfNull(layouts);
        var taken = new bool[promptLength];
        for (var i = 0; i < layouts.Count; i++)
        {
            foreach (var p in layouts[i].Positions.Concat(layouts[i].Separators))
            {
                if (p < 0 || p >= promptLength)
                    throw new ArgumentException(
                        $"Image {i} has a token at prompt position {p}, but the prompt has {promptLength} positions.", nameof(layouts));
                if (taken[p])
                    throw new ArgumentException($"Prompt position {p} of image {i} belongs to two visual tokens.", nameof(layouts));
                taken[p] = true;
            }
        }
        int[] all = [.. Enumerable.Range(0, promptLength)];
        return new PromptReductionState(layouts, promptLength, all, all, new int[layouts.Count][]);
    }

    /// <summary>The state in which only some prompt positions are left, each carrying its own.</summary>
    /// <param name="promptLength">N, at least 1.</param>
    /// <param name="layouts">The layouts of all images.</param>
    /// <param name="kept">Prompt positions left, strictly ascending.</param>
    public static PromptReductionState Restore(int promptLength, IReadOnlyList<VisualTokenLayout> layouts, int[] kept)
    {
        var left = new bool[promptLength];
        foreach (var p in kept) left[p] = true;
        var remaining = layouts.Select(
            l => l.Positions.All(p => left[p]) ? null : Enumerable.Range(0, l.Count).Where(k => left[l.Positions[k]]).ToArray());
        return Start(promptLength, layouts).Keep(kept, kept, [.. remaining]);
    }

    /// <summary>Rows of an image's remaining candidates, in layout order.</summary>
    /// <param name="image">Index of the image.</param>
    public int[] RowsOf(int image)
    {
        var layout = Layouts[image];
        return Remaining[image] is { } remaining
            ? Array.ConvertAll(remaining, k => _rowOf[layout.Positions[k]])
            : Array.ConvertAll(layout.Positions, p => _rowOf[p]);
    }

    /// <summary>Rows that hold no visual candidate of any image (text and separators), ascending.</summary>
    public int[] OtherRows()
    {
        var candidate = new bool[Length];
        for (var i = 0; i < Layouts.Count; i++)
        {
            foreach (var row in RowsOf(i)) candidate[row] = true;
        }
        return [.. Enumerable.Range(0, Length).Where(r => !candidate[r])];
    }

    /// <summary>Whether every row still carries the position it came from.</summary>
    internal bool HasOriginalPositions => PositionShift == 0 && Positions.AsSpan().SequenceEqual(PromptPositions);

    /// <summary>The state with only these rows (ascending) left.</summary>
    internal PromptReductionState Keep(int[] rows, int[] positions, int[]?[] remaining, bool reindexed = false) =>
        new(Layouts, PromptLength, Array.ConvertAll(rows, r => PromptPositions[r]), positions, remaining)
        {
            PositionShift = reindexed ? PromptLength - rows.Length : PositionShift,
        };
}
