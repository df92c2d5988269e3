using Orleans;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>Where workers tell their load: one in a cluster.</summary>
[Alias("d2pruner.board")]
internal interface IBoardGrain : IGrainWithIntegerKey
{
    /// <summary>Takes a worker's report, if one is given, and hands out what has changed since the caller read last.</summary>
    [Alias("exchange")]
    Task<BoardChanges> ExchangeAsync(WorkerReport? mine, BoardMark seen);
}
