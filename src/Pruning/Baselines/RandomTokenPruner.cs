namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>Control: keeps n tokens at random, the same ones for the same seed, stage, budget and number of candidates. Runs at K, K = 0 included.</summary>
public sealed class RandomTokenPruner : IVisualTokenPruner
{
    private readonly int _seed;

    /// <summary>Creates the pruner; K and the budget are read from the settings.</summary>
    /// <param name="settings">Settings.</param>
    /// <param name="seed">Seed of the choice.</param>
    /// <exception cref="ArgumentException">K is negative.</exception>
    public RandomTokenPruner(PruningSettings settings, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.LayersBeforePruning < 0) throw new ArgumentException($"K is {settings.LayersBeforePruning}; it must be at least 0.", nameof(settings));
        _seed = seed;
        var point = settings.LayersBeforePruning == 0 ? PruningPoint.DecoderInput : PruningPoint.AfterLayer(settings.LayersBeforePruning - 1);
        Schedule = [new PruningStage(point, settings.Budget, PruningSignals.None)];
    }

    /// <inheritdoc/>
    public string Name => "random";

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        int[] tokens = [.. Enumerable.Range(0, PrunerGuard.Count(context))];
        new Random(_seed + 31 * context.StageIndex).Shuffle(tokens);
        var kept = tokens[..context.Budget];
        Array.Sort(kept);
        return new TokenReduction { Kept = kept };
    }
}
