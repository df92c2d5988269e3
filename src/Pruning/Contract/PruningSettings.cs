namespace D2Pruner.AI.Pruning;

/// <summary>Resolved pruning settings of one request (the one table of settings; all values in force).</summary>
public sealed record PruningSettings
{
    /// <summary>The preset that these settings started from (never <see cref="PruningPreset.Auto"/> once resolved).</summary>
    public PruningPreset Preset { get; init; } = PruningPreset.Understanding;

    /// <summary>Method name; <c>d2pruner</c> by default.</summary>
    public string Method { get; init; } = "d2pruner";

    /// <summary>K, a count: layers 0..K-1 see every token and pruning happens before layer K; 0..L-1.</summary>
    public int LayersBeforePruning { get; init; } = 2;

    /// <summary>True when K was asked for and is not just the preset's value (a preset's K is capped at L-1,
    /// an explicit one is an error).</summary>
    public bool LayersAreExplicit { get; init; }

    /// <summary>How many visual tokens are kept.</summary>
    public TokenBudget Budget { get; init; } = TokenBudget.OfRatio(1.0 / 3);

    /// <summary>Values of the method's parameters that differ from its defaults; all of them once a
    /// <see cref="PrunerRegistry"/> has planned them.</summary>
    public PrunerValues Parameters { get; init; } = PrunerValues.Empty;

    /// <summary>Weight of semantic against spatial similarity, 0..1 (paper Eq. 6): the parameter <c>alpha</c>.</summary>
    public double Alpha
    {
        get => Parameters.Number(D2Parameters.Alpha);
        init => Parameters = Parameters.With(D2Parameters.Alpha.Name, value);
    }

    /// <summary>Edge threshold on the fused similarity, strict, 0..1: the parameter <c>theta</c>.</summary>
    public double Theta
    {
        get => Parameters.Number(D2Parameters.Theta);
        init => Parameters = Parameters.With(D2Parameters.Theta.Name, value);
    }

    /// <summary>Share of the budget that goes to pivots, 0..1: the parameter <c>pivot_ratio</c>.</summary>
    public double PivotRatio
    {
        get => Parameters.Number(D2Parameters.PivotRatio);
        init => Parameters = Parameters.With(D2Parameters.PivotRatio.Name, value);
    }

    /// <summary>How pivots and the independent set interact: the parameter <c>rule</c>.</summary>
    public PivotRule Rule
    {
        get => Enum.Parse<PivotRule>(Parameters.Text(D2Parameters.Rule));
        init => Parameters = Parameters.With(D2Parameters.Rule.Name, value.ToString());
    }

    /// <summary>Evict the dropped tokens' keys and values from the layers below K too.</summary>
    public bool EvictEarlyKv { get; init; } = true;

    /// <summary>Prior to use: a name that the operator registered with the model, <c>uniform</c>, or null
    /// for the one beside the model.</summary>
    public string? Prior { get; init; }

    /// <summary>The preset's own settings; <see cref="PruningPreset.None"/> and <see cref="PruningPreset.Auto"/> have none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The preset has no settings of its own.</exception>
    public static PruningSettings FromPreset(PruningPreset preset) => preset switch
    {
        PruningPreset.Understanding => new PruningSettings(),
        PruningPreset.Localization => new PruningSettings
        {
            Preset = PruningPreset.Localization,
            LayersBeforePruning = 5,
            Alpha = 0.5,
            Budget = TokenBudget.OfRatio(0.5),
        },
        _ => throw new ArgumentOutOfRangeException(nameof(preset), preset, "Only Understanding and Localization have settings."),
    };
}
