namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>Control: every V/n-th candidate in layout order, floor(i V / n). Any K, K = 0 included.</summary>
internal sealed class StrideTokenPruner : IVisualTokenPruner
{
    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings.</param>
    /// <exception cref="ArgumentException">K is negative.</exception>
    public StrideTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Schedule = [PruningStage.Single(PrunerRegistry.Complete(settings, Description), PruningSignals.None)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "stride",
        Summary = "A uniform stride over the candidates in row-major order: floor(i V / n).",
        Kind = PrunerKind.Control,
        Create = (settings, _) => new StrideTokenPruner(settings),
    };

    /// <inheritdoc/>
    public string Name => Description.Name;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <summary>n of V indices at a uniform stride, ascending.</summary>
    /// <param name="count">V.</param>
    /// <param name="budget">n, 0..V.</param>
    public static int[] Select(int count, int budget)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(budget, count);
        return [.. Enumerable.Range(0, budget).Select(i => (int)((long)i * count / budget))];
    }

    /// <inheritdoc/>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new TokenReduction { Kept = Select(PrunerGuard.Count(context), context.Budget) };
    }
}
