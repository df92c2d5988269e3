using Orleans.Placement;

namespace D2Pruner.AI.Orleans.Placement;

/// <summary>Grains of the class are placed by <see cref="WorkerPlacement"/>.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class WorkerPlacementAttribute() : PlacementAttribute(WorkerPlacement.Instance);
