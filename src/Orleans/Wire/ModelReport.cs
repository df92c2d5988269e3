using Orleans;
using Orleans.Concurrency;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>A model's load on a worker.</summary>
/// <param name="Name">Its name in the cluster.</param>
/// <param name="Fingerprint">Its version.</param>
/// <param name="Info">Facts about it, JSON; empty to a reader that knows them.</param>
/// <param name="Load">Requests waiting and being answered.</param>
/// <param name="Slots">Answers in progress at once, at least 1.</param>
/// <param name="Capacity">Requests that may wait or be answered.</param>
/// <param name="KvUse">Share of its keys' and values' limit in use, 0..1.</param>
/// <param name="Images">Images it has had lately (<see cref="ImageHash.Short"/>).</param>
[GenerateSerializer, Immutable, Alias("d2pruner.model")]
internal sealed record ModelReport(
    [property: Id(0)] string Name, [property: Id(1)] string Fingerprint, [property: Id(2)] string Info, [property: Id(3)] int Load,
    [property: Id(4)] int Slots, [property: Id(5)] int Capacity, [property: Id(6)] double KvUse, [property: Id(7)] ulong[] Images);
