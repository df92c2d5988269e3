namespace D2Pruner.AI.Pruning;

/// <summary>Turns a budget into n per image (specification A8, A16).</summary>
public static class BudgetSplit
{
    /// <summary>
    /// n per image. A ratio: max(1, floor(ratio * V)) each, in double, or the nearest number where a method's parameter <c>rounding</c>
    /// says so. A number of tokens: in proportion to V by largest remainder (ties: earlier image), at least 1 and at most V each,
    /// max(tokens, images) in all.
    /// </summary>
    /// <param name="budget">The request's budget.</param>
    /// <param name="counts">V of each image, at least 1.</param>
    /// <param name="overrides">An image's own budget or null, per image: such an image keeps what its own budget says and takes no part
    /// in the split, which hands the whole of <paramref name="budget"/> to the others. Keeping all is <c>OfRatio(1)</c>.</param>
    /// <returns>n per image, 1..V.</returns>
    /// <exception cref="ArgumentException">A count is below 1, the budget is empty, or the lists differ in length.</exception>
    public static int[] Split(TokenBudget budget, IReadOnlyList<int> counts, IReadOnlyList<TokenBudget?>? overrides = null)
    {
        ArgumentNullException.ThrowIfNull(counts);
        if (overrides is not null && overrides.Count != counts.Count)
            throw new ArgumentException($"{overrides.Count} budgets were given for {counts.Count} images.", nameof(overrides));
        for (var i = 0; i < counts.Count; i++)
        {
            if (counts[i] < 1)
                throw new ArgumentException($"Image {i} has {counts[i]} visual tokens; at least 1 is needed.", nameof(counts));
        }

        var result = new int[counts.Count];
        var shared = new List<int>();
        for (var i = 0; i < counts.Count; i++)
        {
            if (overrides?[i] is { } own) result[i] = Own(own with { ToNearest = budget.ToNearest }, counts[i], nameof(overrides));
            else shared.Add(i);
        }
        if (shared.Count == 0) return result;
        if (budget.Tokens is { } tokens)
        {
            var split = ByLargestRemainder(tokens, [.. shared.Select(i => counts[i])]);
            for (var s = 0; s < split.Length; s++) result[shared[s]] = split[s];
        }
        else
        {
            foreach (var i in shared) result[i] = Own(budget, counts[i], nameof(budget));
        }
        return result;
    }

    private static int Own(TokenBudget budget, int count, string parameter) => budget switch
    {
        { Ratio: { } ratio, ToNearest: var nearest } =>
            Math.Clamp((int)(nearest ? Math.Round(ratio * count, MidpointRounding.ToEven) : Math.Floor(ratio * count)), 1, count),
        { Tokens: { } tokens } => Math.Min(tokens, count),
        _ => throw new ArgumentException("The budget is empty; make it with TokenBudget.OfRatio or TokenBudget.OfTokens.", parameter),
    };

    private static int[] ByLargestRemainder(int tokens, int[] counts)
    {
        var total = counts.Sum(c => (long)c);
        var wanted = Math.Min(tokens, total);
        // Integer remainders: ties are exact. A share is at most V because wanted <= total.
        var shares = counts.Select(c => (int)(wanted * c / total)).ToArray();
        var left = (int)(wanted - shares.Sum(s => (long)s));
        foreach (var i in Enumerable.Range(0, counts.Length).OrderByDescending(i => wanted * counts[i] % total).ThenBy(i => i).Take(left))
            shares[i]++;

        for (var i = 0; i < shares.Length; i++) shares[i] = Math.Max(1, shares[i]);
        for (var excess = shares.Sum(s => (long)s) - Math.Max(wanted, counts.Length); excess > 0; excess--)
            shares[Array.IndexOf(shares, shares.Max())]--;
        return shares;
    }
}
