namespace D2Pruner.AI.Pruning;

/// <summary>
/// A pruning method as it describes itself. Request keys, configuration keys, flags, validation, reports and documentation are made from
/// it, so that a new method is one file: the <see cref="IVisualTokenPruner"/> and its description.
/// </summary>
public sealed class PrunerDescription
{
    /// <summary>Where and how every method's kept tokens are numbered (<see cref="PruningStage.Reindex"/>).</summary>
    public static PrunerParameter Positions { get; } = PrunerParameter.Choice("positions", "kept", ["kept", "reindexed"],
        "Position ids after pruning: the original ones, or 0, 1, 2... over what is left (as some published code has it; one-dimensional " +
        "ids only).");

    /// <summary>How a ratio of every method's budget becomes a number of tokens.</summary>
    internal static PrunerParameter Rounding { get; } = PrunerParameter.Choice("rounding", "floor", ["floor", "nearest"],
        "How a keep ratio becomes a number of tokens: the next smaller one, or the nearest (halves: the even one, as FastV's and " +
        "DivPrune's code has it).");

    private readonly IReadOnlyList<PrunerParameter> _own = [];
    private PruningStage[]? _schedule;

    /// <summary>Short lower-case name.</summary>
    public required string Name { get; init; }

    /// <summary>What it keeps, one or two sentences; deviations from the published code too.</summary>
    public required string Summary { get; init; }

    /// <summary>What it is offered as.</summary>
    public required PrunerKind Kind { get; init; }

    /// <summary>Paper or repository; null where there is none.</summary>
    public string? Source { get; init; }

    /// <summary>What K means to it.</summary>
    public PrunerDepth Depth { get; init; }

    /// <summary>Smallest K: 1 where the signals come from layer K-1.</summary>
    public int LeastLayers { get; init; }

    /// <summary>Whether it divides by a positional prior.</summary>
    public bool UsesPrior { get; init; }

    /// <summary>Its parameters; <c>rounding</c> and <see cref="Positions"/>, which every method has, come last.</summary>
    public IReadOnlyList<PrunerParameter> Parameters
    {
        get => field ?? [Rounding, Positions];
        init
        {
            _own = value;
            field = [.. value, Rounding, Positions];
        }
    }

    /// <summary>Makes the pruner from settings that a <see cref="PrunerRegistry"/> has completed, and the
    /// model's number of decoder layers.</summary>
    public required Func<PruningSettings, int, IVisualTokenPruner> Create { get; init; }

    /// <summary>Its stages with default settings (K = 2, a third) in a decoder of 32 layers.</summary>
    public IReadOnlyList<PruningStage> Schedule => _schedule ??=
        [.. Create(new PruningSettings { Method = Name, LayersBeforePruning = Depth == PrunerDepth.AtInput ? 0 : 2 }, 32).Schedule];

    /// <summary>The signals that the runtime must supply, over all stages.</summary>
    public PruningSignals Signals => Schedule.Aggregate(PruningSignals.None, (all, stage) => all | stage.Signals);

    /// <summary>The parameter of this name, or null.</summary>
    /// <param name="name">A parameter's name.</param>
    public PrunerParameter? Find(string name) => Parameters.FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <inheritdoc/>
    public override string ToString() => Name;
}
