using D2Pruner.AI.Pruning;

namespace D2Pruner.AI;

/// <summary>The pruning in force for one request.</summary>
/// <param name="Settings">Settings for the engine; null prunes nothing.</param>
/// <param name="Preset">Preset in force, never Auto.</param>
/// <param name="Source">Who named the preset: <c>request</c>, <c>client</c>.</param>
/// <param name="Reason">Why this preset, and what the model lacks for it; a sentence each.</param>
internal sealed record ResolvedPruning(PruningSettings? Settings, PruningPreset Preset, string Source, string Reason);
