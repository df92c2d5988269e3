namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>Control: keeps n tokens at random, the same ones for the same seed, stage, budget and number of
/// candidates. Runs at K, K = 0 included.</summary>
internal sealed class RandomTokenPruner : IVisualTokenPruner
{
    private static readonly PrunerParameter Seed = PrunerParameter.Whole("seed", 0, 0, int.MaxValue, "Seed of the choice.");
    private readonly int _seed;

    /// <summary>Creates the pruner.</summary>
    /// <param name="settings">Settings.</param>
    /// <exception cref="ArgumentException">K is negative.</exception>
    public RandomTokenPruner(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings = PrunerRegistry.Complete(settings, Description);
        _seed = settings.Parameters.Whole(Seed);
        Schedule = [PruningStage.Single(settings, PruningSignals.None)];
    }

    /// <summary>The method.</summary>
    public static PrunerDescription Description { get; } = new()
    {
        Name = "random",
        Summary = "Tokens drawn at random, the same ones for one seed and image size.",
        Kind = PrunerKind.Control,
        Parameters = [Seed],
        Create = (settings, _) => new RandomTokenPruner(settings),
    };

    /// <inheritdoc/>
    public string Name => Description.Name;

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
