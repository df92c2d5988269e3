using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Orleans.Wire;
using Microsoft.Extensions.Options;
using Orleans.Runtime;
using Orleans.Runtime.Placement;

namespace D2Pruner.AI.Orleans.Placement;

/// <summary>Chooses the silo of a new grain by what the workers have told.</summary>
internal sealed class WorkerPlacementDirector(ClusterView view, IOptions<D2PrunerClusterOptions> options) : IPlacementDirector
{
    public async Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var route = GrainRoute.Parse(target.GrainIdentity.Key.ToString()!);
        var tried = target.RequestContextData?.GetValueOrDefault(ClusterKeys.Avoid) as string ?? "";
        var avoid = tried.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var board = await view.GetAsync().ConfigureAwait(false);
        // A report may outlive its silo.
        var silos = context.GetCompatibleSilos(target).ToHashSet();
        var serving = board.Serving(route.Model, route.Fingerprint).Where(w => silos.Contains(w.Worker.Silo)).ToList();
        var fresh = serving.Where(w => !avoid.Contains(w.Worker.Silo.ToParsableString())).ToList();
        var candidates = fresh.Count > 0 ? fresh : serving;
        if (candidates.Count == 0)
            throw new OrleansException($"No worker serves version {route.Fingerprint} of the model '{route.Model}'.");
        ulong? image = route.Image is null ? null : ImageHash.Short(route.Image);
        var states = candidates.Select(w => WorkerStates.Of(w.Worker, w.Model, image)).ToArray();
        var chosen = WorkerChoice.Choose(states, image, (ulong)Random.Shared.NextInt64(), PlacementWeights.Of(options.Value));
        // All full: whoever it is will say so.
        return candidates[Math.Max(0, chosen)].Worker.Silo;
    }
}
