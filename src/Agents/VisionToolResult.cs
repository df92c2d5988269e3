using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>What a vision tool answers.</summary>
public sealed class VisionToolResult
{
    /// <summary>The result as short JSON for a chat model; texts that come from images are marked as data.</summary>
    public required string Json { get; init; }

    /// <summary>The failure's kind, or null.</summary>
    public VisionErrorKind? ErrorKind { get; init; }

    /// <summary>Boxes that the answer names, on the first image that the call named.</summary>
    public IReadOnlyList<GroundedRegion> Regions { get; init; } = [];

    /// <summary>The first image that the call named, encoded; empty after a failure.</summary>
    public ReadOnlyMemory<byte> Image { get; init; }
}
