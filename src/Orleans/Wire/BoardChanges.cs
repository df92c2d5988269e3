using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>What a board has heard since a reader asked last, so that what travels is what changed.</summary>
/// <param name="Now">Where the reader is then.</param>
/// <param name="Whole">All of it, because the board did not know the reader's mark.</param>
/// <param name="Reports">Reports that changed; facts about a model where they are new, of its images the ones that are.</param>
/// <param name="Members">Silos that the cluster's own failure detection holds for alive; null where they are the same.</param>
[GenerateSerializer, Immutable, Alias("d2pruner.changes")]
internal sealed record BoardChanges(
    [property: Id(0)] BoardMark Now, [property: Id(1)] bool Whole, [property: Id(2)] WorkerReport[] Reports,
    [property: Id(3)] SiloAddress[]? Members);
