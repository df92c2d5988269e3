namespace D2Pruner.AI.Pruning;

/// <summary>Pruning settings made ready for one model: K capped, parameters checked and complete, the pruner made.</summary>
/// <param name="Settings">The settings in force; <see cref="PruningSettings.Parameters"/> holds
/// exactly the method's own parameters.</param>
/// <param name="Description">The method.</param>
/// <param name="Pruner">The pruner.</param>
public sealed record PruningPlan(PruningSettings Settings, PrunerDescription Description, IVisualTokenPruner Pruner)
{
    /// <summary>The settings' value of <see cref="PruningSettings.Prior"/> that means no prior.</summary>
    public const string UniformPrior = "uniform";

    /// <summary>Whether any stage needs the signal.</summary>
    public bool Needs(PruningSignals signal) => Pruner.Schedule.Any(s => (s.Signals & signal) != 0);

    /// <summary>Which prior a request will use.</summary>
    /// <param name="calibrated">Every K that the prior beside the model has maps for.</param>
    /// <param name="isLearned">Whether a self-calibrated prior for this K is ready.</param>
    public PriorSource PriorSource(IEnumerable<int> calibrated, bool isLearned = false)
    {
        if (!Description.UsesPrior) return Pruning.PriorSource.None;
        if (Settings.Prior == UniformPrior) return Pruning.PriorSource.Uniform;
        if (Settings.Prior is not null) return Pruning.PriorSource.Named;
        if (calibrated.Contains(Settings.LayersBeforePruning)) return Pruning.PriorSource.Model;
        return isLearned ? Pruning.PriorSource.Learned : Pruning.PriorSource.Missing;
    }
}
