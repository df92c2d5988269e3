using D2Pruner.AI.Orleans.Wire;
using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Placement;

/// <summary>Keeps the workers' last reports, as long as the cluster holds them for members. After a move it is whole again when all have
/// told once more; its readers go by what they knew until then.</summary>
[Reentrant]
internal sealed class BoardGrain(IClusterMembershipService membership) : Grain, IBoardGrain
{
    private readonly Board _board = new();

    public Task<BoardChanges> ExchangeAsync(WorkerReport? mine, BoardMark seen)
    {
        _board.Keep([.. membership.CurrentSnapshot.Members.Values.Where(m => !m.Status.IsTerminating()
            || m.Status is SiloStatus.ShuttingDown or SiloStatus.Stopping).Select(m => m.SiloAddress)]);
        if (mine is not null) _board.Tell(mine);
        return Task.FromResult(_board.Since(seen));
    }
}
