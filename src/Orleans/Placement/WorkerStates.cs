using D2Pruner.AI.Orleans.Wire;

namespace D2Pruner.AI.Orleans.Placement;

/// <summary>Reports as placement sees them.</summary>
internal static class WorkerStates
{
    public static WorkerState Of(WorkerReport worker, ModelReport model, ulong? image) => new(
        (uint)worker.Silo.GetConsistentHashCode(), model.Load, model.Slots, model.Capacity, model.KvUse,
        image is { } hash && Array.IndexOf(model.Images, hash) >= 0);
}
