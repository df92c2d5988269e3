using System.Globalization;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI;

/// <summary>
/// Precedence in one place: request, then client, then preset. The most specific level that names a preset wins, and overrides of less
/// specific levels than that one are dropped.
/// </summary>
internal static class PruningResolver
{
    /// <summary>Resolves the settings in force.</summary>
    /// <param name="request">The request's settings.</param>
    /// <param name="client">The client's settings.</param>
    /// <param name="chooseAuto">Called only where Auto is in force.</param>
    /// <param name="imagesHaveBudgets">Whether images carry budgets of their own: those hold under None too.</param>
    /// <exception cref="ArgumentException">Overrides contradict the preset None.</exception>
    public static ResolvedPruning Resolve(
        RequestSettings request, D2PrunerChatClientOptions client, Func<PresetChoice> chooseAuto, bool imagesHaveBudgets = false)
    {
        var byRequest = request.Preset is not null;
        var named = request.Preset ?? client.Preset;
        var overrides = byRequest ? request.Pruning : request.Pruning.Over(client.Pruning);
        var source = byRequest ? "request" : "client";

        var choice = named == PruningPreset.Auto
            ? chooseAuto()
            : new PresetChoice(named, byRequest ? "Named by the request." : "Named by the client's options.");
        if (choice.Preset == PruningPreset.None)
        {
            // Auto says None only where there is nothing to prune; a person who says None and gives a budget contradicts himself.
            if (named == PruningPreset.None && (overrides.KeepTokens is not null || overrides.KeepRatio is < 1))
                throw RequestField.Mark(new ArgumentException(
                    $"The preset None (named by the {source}) prunes nothing, but a budget ({Budget(overrides)}) was given. Name a " +
                    "preset that prunes, or leave the budget out."),
                    overrides.KeepTokens is null ? D2PrunerKeys.KeepRatio : D2PrunerKeys.KeepTokens);
            if (!imagesHaveBudgets) return new ResolvedPruning(null, PruningPreset.None, source, choice.Reason);
            var only = Apply(PruningSettings.FromPreset(PruningPreset.Understanding), overrides, autoRatio: 1);
            return new ResolvedPruning(
                only, PruningPreset.None, source, choice.Reason + " Only images with a budget of their own are pruned.");
        }
        return new ResolvedPruning(
            Apply(PruningSettings.FromPreset(choice.Preset), overrides, choice.KeepRatio), choice.Preset, source, choice.Reason);
    }

    private static PruningSettings Apply(PruningSettings preset, VisualPruningOptions o, double? autoRatio) => preset with
    {
        Method = o.Method ?? preset.Method,
        LayersBeforePruning = o.LayersBeforePruning ?? preset.LayersBeforePruning,
        LayersAreExplicit = o.LayersBeforePruning is not null,
        Budget = o switch
        {
            { KeepTokens: { } tokens } => TokenBudget.OfTokens(tokens),
            { KeepRatio: { } ratio } => TokenBudget.OfRatio(ratio),
            _ => autoRatio is { } ratio ? TokenBudget.OfRatio(ratio) : preset.Budget,
        },
        Parameters = o.Values().Aggregate(preset.Parameters, (all, v) => all.With(v.Name, v.Value)),
        EvictEarlyKv = o.EvictEarlyKv ?? preset.EvictEarlyKv,
        Prior = o.Prior ?? preset.Prior,
    };

    private static string Budget(VisualPruningOptions o) =>
        o.KeepTokens is { } tokens ? $"{D2PrunerKeys.KeepTokens} = {tokens}"
            : string.Create(CultureInfo.InvariantCulture, $"{D2PrunerKeys.KeepRatio} = {o.KeepRatio}");
}
