using D2Pruner.AI.Pruning;

namespace D2Pruner.AI;

/// <summary>What Auto decided and why.</summary>
/// <param name="Preset">Never Auto.</param>
/// <param name="Reason">One sentence for the report.</param>
/// <param name="KeepRatio">Keep ratio instead of the preset's own, or null.</param>
internal sealed record PresetChoice(PruningPreset Preset, string Reason, double? KeepRatio = null);
