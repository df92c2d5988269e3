namespace D2Pruner.AI.Pruning;

/// <summary>How many visual tokens to keep: an absolute number for the whole request, or a ratio of each image.</summary>
public readonly record struct TokenBudget
{
    private TokenBudget(double? ratio, int? tokens) => (Ratio, Tokens) = (ratio, tokens);

    /// <summary>Share of each image's visual tokens to keep, in (0, 1], or null.</summary>
    public double? Ratio { get; }

    /// <summary>Visual tokens to keep in the whole request, at least 1, or null.</summary>
    public int? Tokens { get; }

    /// <summary>Whether a ratio gives the nearest number of tokens (halves: the even one) instead of the next smaller one.</summary>
    internal bool ToNearest { get; init; }

    /// <summary>Keeps <paramref name="ratio"/> of each image: n = max(1, floor(ratio * V)), in double.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The ratio is not in (0, 1].</exception>
    public static TokenBudget OfRatio(double ratio) => ratio is > 0 and <= 1
        ? new TokenBudget(ratio, null)
        : throw new ArgumentOutOfRangeException(nameof(ratio), ratio, "The keep ratio must be greater than 0 and at most 1.");

    /// <summary>Keeps <paramref name="tokens"/> in the whole request, split over its images in proportion to their tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static TokenBudget OfTokens(int tokens) => tokens >= 1
        ? new TokenBudget(null, tokens)
        : throw new ArgumentOutOfRangeException(nameof(tokens), tokens, "At least one visual token must be kept.");
}
