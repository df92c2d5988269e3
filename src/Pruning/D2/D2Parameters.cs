using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning;

/// <summary>Parameters of D²Pruner and of the rules built on it; the paper's values are the defaults.</summary>
internal static class D2Parameters
{
    private const string Normed = "normed";

    public static PrunerParameter Alpha { get; } =
        PrunerParameter.Number("alpha", 1, 0, 1,
            "Weight of semantic against spatial similarity (paper, Eq. 6); the preset Localization has 0.5.");

    public static PrunerParameter Theta { get; } =
        PrunerParameter.Number("theta", 0.8, 0, 1, "Edge threshold on the fused similarity, strict.");

    public static PrunerParameter PivotRatio { get; } =
        PrunerParameter.Number("pivot_ratio", 0.7, 0, 1,
            "Share of the budget that goes to pivots, the tokens of highest relative attention.");

    public static PrunerParameter Rule { get; } = PrunerParameter.Choice("rule", nameof(PivotRule.R1), Enum.GetNames<PivotRule>(),
        "R1: pivots' neighbours leave the pool; R2: pivots exclude nothing; R3: one independent set, no pivots.");

    public static PrunerParameter Features { get; } = PrunerParameter.Choice("features", "hidden", ["hidden", Normed],
        "What cosines are taken of: the hidden states as layer K-1 leaves them, or these after the decoder's final norm (as DART's code " +
        "has it).");

    /// <summary>The signal that <see cref="Features"/> asks for.</summary>
    public static PruningSignals FeatureSignal(PruningSettings settings) =>
        IsNormed(settings) ? PruningSignals.FinalNormedFeatures : PruningSignals.HiddenStates;

    /// <summary>The rows that <see cref="Features"/> asks for, [V, D].</summary>
    /// <exception cref="ArgumentException">They are missing, or have another shape.</exception>
    public static Tensor FeatureRows(PruningSettings settings, PruningContext context) => IsNormed(settings)
        ? PrunerGuard.Rows(context.FinalNormed, context, "final-normed hidden states")
        : PrunerGuard.Rows(context.HiddenStates, context, "hidden states");

    private static bool IsNormed(PruningSettings settings) => settings.Parameters.Text(Features) == Normed;
}
