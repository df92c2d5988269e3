using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Runtime.Prompts;

/// <summary>How a family numbers positions.</summary>
internal interface IPositionScheme
{
    /// <summary>Assigns position ids.</summary>
    /// <param name="length">N.</param>
    /// <param name="visualPositions">Per image: prompt positions of its features, ascending.</param>
    /// <param name="images">The images.</param>
    /// <returns>One or three rows of N ids, and the id of the first generated token.</returns>
    (long[][] Rows, long Next) Assign(int length, IReadOnlyList<int[]> visualPositions, IReadOnlyList<ImagePlan> images);
}

/// <summary>0..N-1.</summary>
internal sealed class SequentialPositions : IPositionScheme
{
    /// <inheritdoc/>
    public (long[][] Rows, long Next) Assign(int length, IReadOnlyList<int[]> visualPositions, IReadOnlyList<ImagePlan> images)
    {
        var row = new long[length];
        for (var i = 0; i < length; i++) row[i] = i;
        return ([row], length);
    }
}
