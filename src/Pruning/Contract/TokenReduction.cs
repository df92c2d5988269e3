namespace D2Pruner.AI.Pruning;

/// <summary>What a pruner decided for one image at one stage.</summary>
public sealed class TokenReduction
{
    /// <summary>Kept candidates as row numbers of the context, ascending, exactly as many as the budget unless the method merges.</summary>
    public required int[] Kept { get; init; }

    /// <summary>For methods that merge: the weights with which dropped rows are folded into kept ones (H' = W
    /// H); null when nothing is merged.</summary>
    public IReadOnlyList<MergeWeight>? MergeWeights { get; init; }

    /// <summary>Prompt position that each kept token carries from here on; null keeps the original positions.</summary>
    public int[]? Positions { get; init; }

    /// <summary>What happened.</summary>
    public SelectionStatistics Statistics { get; init; } = SelectionStatistics.Empty;
}
