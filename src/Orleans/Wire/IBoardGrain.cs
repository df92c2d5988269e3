using Orleans;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>Where workers tell their load: one in a cluster.</summary>
[Alias("d2pruner.board")]
internal interface IBoardGrain : IGrainWithIntegerKey
{
    /// <summary>Takes a worker's report, if one is given, and hands out what all have told.</summary>
    [Alias("exchange")]
    Task<BoardView> ExchangeAsync(WorkerReport? mine);
}
