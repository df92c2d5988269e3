namespace D2Pruner.AI;

/// <summary>An answer with what an overlay needs.</summary>
internal sealed record VisionLookResult(VisionAnswer Answer, ReadOnlyMemory<byte> Image, IReadOnlyList<GroundedRegion> Regions);
