using Orleans;
using Orleans.Concurrency;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>How far a reader has read.</summary>
/// <param name="Board">Which board: after a move it is another one.</param>
/// <param name="Version">Counts what it has heard.</param>
[GenerateSerializer, Immutable, Alias("d2pruner.mark")]
internal readonly record struct BoardMark([property: Id(0)] Guid Board, [property: Id(1)] long Version);
