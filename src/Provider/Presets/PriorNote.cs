using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>Says in the reason of a choice what the loaded model lacks for it.</summary>
internal static class PriorNote
{
    /// <summary>Adds a sentence where the preset's K is beyond the model, or no prior for K lies beside it.</summary>
    public static ResolvedPruning Add(ResolvedPruning resolved, VisionModelInfo model)
    {
        if (resolved.Settings is not { Method: "d2pruner" } settings) return resolved;
        var layer = settings.LayersAreExplicit ? settings.LayersBeforePruning : Math.Min(settings.LayersBeforePruning, model.DecoderLayers - 1);
        var notes = new List<string> { resolved.Reason };
        if (layer != settings.LayersBeforePruning) notes.Add($"K = {settings.LayersBeforePruning} was lowered to {layer}: the model has {model.DecoderLayers} layers.");
        if (settings.Prior is null && !model.PriorLayers.Contains(layer)) notes.Add($"No calibrated prior for K = {layer} lies beside the model, so attention is not debiased.");
        return resolved with { Reason = string.Join(" ", notes) };
    }
}
