namespace D2Pruner.AI.Pruning;

/// <summary>What a pruner decided for one image at one stage.</summary>
public sealed class TokenReduction
{
    /// <summary>Kept candidates as row numbers of the context, ascending, exactly as many as the budget unless the method merges.</summary>
    public required int[] Kept { get; init; }

    /// <summary>For methods that merge: the weights with which dropped rows are folded into kept ones (H' = W H); null when nothing is merged.</summary>
    public IReadOnlyList<MergeWeight>? MergeWeights { get; init; }

    /// <summary>Prompt position that each kept token carries from here on; null keeps the original positions.</summary>
    public int[]? Positions { get; init; }

    /// <summary>What happened.</summary>
    public SelectionStatistics Statistics { get; init; } = SelectionStatistics.Empty;
}

/// <summary>One entry of the merge matrix W: output row <paramref name="Output"/> (index into Kept) receives <paramref name="Weight"/> times input row <paramref name="Source"/>.
/// Outputs that appear in no entry are plain copies; an output that appears gets exactly the sum of its entries.</summary>
/// <param name="Output">Index into <see cref="TokenReduction.Kept"/>.</param>
/// <param name="Source">Row of the context.</param>
/// <param name="Weight">The weight.</param>
public readonly record struct MergeWeight(int Output, int Source, float Weight);

/// <summary>What a selection saw and did; fields that a method does not have are zero or null.</summary>
public sealed record SelectionStatistics
{
    /// <summary>No selection ran.</summary>
    public static SelectionStatistics Empty { get; } = new();

    /// <summary>Number of pivots (n_p); 0 for rule R3 or when everything was kept.</summary>
    public int Pivots { get; init; }

    /// <summary>Tokens taken after the pool was empty, edges ignored.</summary>
    public int Fill { get; init; }

    /// <summary>Undirected edges of the graph.</summary>
    public long Edges { get; init; }

    /// <summary>Smallest cosine of the similarity matrix.</summary>
    public double? MinSimilarity { get; init; }

    /// <summary>Largest cosine of the similarity matrix.</summary>
    public double? MaxSimilarity { get; init; }

    /// <summary>Scores that decided (relative attention A_rel), [V] in layout order, or null.</summary>
    public float[]? Scores { get; init; }

    /// <summary>Time of the similarity graph.</summary>
    public TimeSpan GraphTime { get; init; }

    /// <summary>Time of the selection after the graph.</summary>
    public TimeSpan SelectTime { get; init; }
}
