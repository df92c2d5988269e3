using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Placement;

/// <summary>Places grains on workers, by <see cref="WorkerChoice"/>.</summary>
[Serializable]
internal sealed class WorkerPlacement : PlacementStrategy
{
    public static WorkerPlacement Instance { get; } = new();
}
