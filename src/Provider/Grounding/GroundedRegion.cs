namespace D2Pruner.AI;

/// <summary>A box that an answer names.</summary>
/// <param name="Label">What the model calls it, or null.</param>
/// <param name="Box">Where it is on the original image.</param>
/// <param name="ImageIndex">Zero-based index of the image in the request; with several images the last one,
/// see <see cref="ImageIsAssumed"/>.</param>
/// <param name="TextStart">Where the box's text begins in the answer, or null.</param>
/// <param name="TextEnd">Where the box's text ends in the answer (exclusive), or null.</param>
public sealed record GroundedRegion(string? Label, BoundingBox Box, int ImageIndex, int? TextStart, int? TextEnd)
{
    /// <summary>True when the request held several images: answers do not say which one they mean, so the last was taken.</summary>
    public bool ImageIsAssumed { get; init; }
}
