namespace D2Pruner.AI.Pruning;

/// <summary>One entry of a pruner's schedule: where it reduces, to how much, and what it needs to see there.</summary>
/// <param name="Point">The point of the forward pass.</param>
/// <param name="Budget">What is kept there (of the image's original visual tokens).</param>
/// <param name="Signals">The signals that the runtime must supply.</param>
/// <param name="Reindex">True numbers all positions that are left anew, 0, 1, 2..., text too; false keeps the original ones.</param>
public sealed record PruningStage(PruningPoint Point, TokenBudget Budget, PruningSignals Signals, bool Reindex = false)
{
    /// <summary>The stage of a method that prunes once: before layer K, to the settings' budget.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="signals">The signals that the runtime must supply.</param>
    public static PruningStage Single(PruningSettings settings, PruningSignals signals)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new PruningStage(
            PruningPoint.BeforeLayer(settings.LayersBeforePruning), BudgetOf(settings), signals, IsReindexed(settings));
    }

    /// <summary>The settings' budget, rounded as they ask for.</summary>
    internal static TokenBudget BudgetOf(PruningSettings settings) => settings.Budget with
    {
        ToNearest = settings.Parameters.Text(PrunerDescription.Rounding) == "nearest",
    };

    /// <summary>Whether the settings ask for new position ids.</summary>
    internal static bool IsReindexed(PruningSettings settings) => settings.Parameters.Text(PrunerDescription.Positions) == "reindexed";
}
