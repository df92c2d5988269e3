namespace D2Pruner.AI.SemanticKernel;

/// <summary>A thing found, as JSON.</summary>
internal sealed class LocatedObject
{
    public required string Label { get; init; }

    /// <summary>Left, top, right, bottom in 0..1 of the original picture.</summary>
    public required double[] Box { get; init; }

    /// <summary>The same in pixels, where the picture's size is known.</summary>
    public int[]? Pixels { get; init; }
}
