namespace D2Pruner.AI.Pruning;

/// <summary>How pivots and the independent set interact (specification A6).</summary>
public enum PivotRule
{
    /// <summary>Plain top pivots; their neighbours leave the pool (default).</summary>
    R1,

    /// <summary>Plain top pivots that exclude nothing; later picks do.</summary>
    R2,

    /// <summary>One greedy independent set from the start; there are no pivots.</summary>
    R3,
}
