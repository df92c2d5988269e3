namespace D2Pruner.AI.Pruning;

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
