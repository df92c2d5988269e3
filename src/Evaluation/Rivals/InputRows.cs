using D2Pruner.AI.Pruning.Baselines;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>What stands at an image's place in the prompt instead of its features.</summary>
/// <param name="Features">Rows of the tower's width, before the projector, [m, W].</param>
/// <param name="Kept">Layout indices of the tokens that are kept or stand for others, ascending: what an overlay shows.</param>
internal sealed record InputRows(RowMatrix Features, int[] Kept)
{
    /// <summary>Rows that are appended as zeros behind the projector.</summary>
    public int Zero { get; init; }

    /// <summary>Rows of <see cref="Features"/> (and, counted behind them, newlines) in the order in which they stand in the prompt;
    /// -1 is the newline. Null is the order of <see cref="Features"/>.</summary>
    public int[]? Order { get; init; }

    /// <summary>Per row the layout index whose position id it carries, ascending; null numbers the prompt anew.</summary>
    public int[]? Places { get; init; }
}
