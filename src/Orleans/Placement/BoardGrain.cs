using D2Pruner.AI.Orleans.Wire;
using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Placement;

/// <summary>Keeps the workers' last reports, as long as the cluster holds them for members. After a move it is whole again within one
/// interval.</summary>
[Reentrant]
internal sealed class BoardGrain(IClusterMembershipService membership) : Grain, IBoardGrain
{
    private readonly Dictionary<SiloAddress, WorkerReport> _reports = [];

    public Task<BoardView> ExchangeAsync(WorkerReport? mine)
    {
        if (mine is not null) _reports[mine.Silo] = mine;
        SiloAddress[] members = [.. membership.CurrentSnapshot.Members.Values.Where(m => !m.Status.IsTerminating()
            || m.Status is SiloStatus.ShuttingDown or SiloStatus.Stopping).Select(m => m.SiloAddress)];
        foreach (var gone in _reports.Keys.Except(members).ToList()) _reports.Remove(gone);
        return Task.FromResult(new BoardView([.. _reports.Values], members));
    }
}
