namespace D2Pruner.AI.Pruning;

/// <summary>
/// The edge rule: S_hat = (S - min) / (max - min); S_fused = alpha * S_hat + (1 - alpha) * S_spat; an edge where S_fused &gt; theta
/// (arXiv 2512.19443, Eq. 5 and 6), in double. Where max - min &lt; 1e-6 all tokens are redundant: S_hat = 1 (A17).
/// </summary>
/// <param name="Min">Smallest cosine of the whole matrix, diagonal included.</param>
/// <param name="Max">Largest cosine of the whole matrix, diagonal included.</param>
/// <param name="Alpha">Weight of semantic against spatial similarity, 0..1.</param>
/// <param name="Theta">Edge threshold, strict.</param>
internal readonly record struct FusedSimilarity(float Min, float Max, double Alpha, double Theta)
{
    /// <summary>Below this range of cosines the min-max normalisation means nothing.</summary>
    public const double DegenerateRange = 1e-6;

    public bool IsDegenerate => (double)Max - Min < DegenerateRange;

    /// <summary>Is there an edge between two tokens of this cosine?</summary>
    public bool IsEdge(float cosine, bool neighbours)
    {
        var normalized = IsDegenerate ? 1 : ((double)cosine - Min) / ((double)Max - Min);
        return Alpha * normalized + (neighbours ? 1 - Alpha : 0) > Theta;
    }

    /// <summary>Largest cosine that is NOT an edge between non-neighbours, so that "cosine &gt; bound" is the edge rule; null when no
    /// cosine can be one (alpha &lt;= theta). The rule grows with the cosine, so the bound is found by halving over the
    /// floats: comparing with it is exact.</summary>
    public float? FarBound()
    {
        if (!IsEdge(Max, false)) return null;
        if (IsEdge(Min, false)) return float.NegativeInfinity;
        var (low, high) = (Min, Max); // low is no edge, high is one
        while (MathF.BitIncrement(low) < high)
        {
            var middle = (float)(((double)low + high) / 2);
            if (middle <= low || middle >= high) middle = MathF.BitIncrement(low);
            if (IsEdge(middle, false)) high = middle;
            else low = middle;
        }
        return low;
    }
}
