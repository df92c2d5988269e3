using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>Says in the reason of a choice what the loaded model lacks for it.</summary>
internal static class PriorNote
{
    /// <summary>Adds a sentence where the preset's K is beyond the model, or no prior for K lies beside it.</summary>
    /// <exception cref="ArgumentException">The settings are not possible with the method or the model.</exception>
    public static ResolvedPruning Add(ResolvedPruning resolved, VisionModelInfo model, PrunerRegistry pruners)
    {
        if (resolved.Settings is not { } settings) return resolved;
        var plan = Plan(settings, model, pruners);
        var k = plan.Settings.LayersBeforePruning;
        var notes = new List<string> { resolved.Reason };
        if (k == model.DecoderLayers - 1 && k < settings.LayersBeforePruning)
            notes.Add($"K = {settings.LayersBeforePruning} was lowered to {k}: the model has {model.DecoderLayers} layers.");
        if (plan.PriorSource(model.PriorLayers) == PriorSource.Missing)
            notes.Add($"No calibrated prior for K = {k} lies beside the model, so attention is not debiased.");
        return resolved with { Reason = string.Join(" ", notes) };
    }

    // What it refuses of the settings as a whole is K: methods and parameters are checked by name before.
    private static PruningPlan Plan(PruningSettings settings, VisionModelInfo model, PrunerRegistry pruners)
    {
        try
        {
            return pruners.Plan(settings, model.DecoderLayers);
        }
        catch (ArgumentException e) when (e.ParamName == nameof(settings))
        {
            RequestField.Mark(e, D2PrunerKeys.Layer);
            throw;
        }
    }
}
