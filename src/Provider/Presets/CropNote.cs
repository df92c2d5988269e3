using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>Says in the reason of a choice where the model saw an image only in part (LLaVA-1.5's centre crop): no box can reach the
/// rest.</summary>
internal static class CropNote
{
    /// <summary>Adds a sentence for each cropped image where places are asked for.</summary>
    /// <param name="resolved">The choice.</param>
    /// <param name="images">The request's images as the model saw them.</param>
    /// <returns>The same choice where there is nothing to say.</returns>
    public static ResolvedPruning Add(ResolvedPruning resolved, IReadOnlyList<ImagePruning> images)
    {
        if (resolved.Preset != PruningPreset.Localization) return resolved;
        var notes = images.Select(Note).OfType<string>().ToList();
        return notes.Count == 0 ? resolved : resolved with { Reason = string.Join(" ", notes.Prepend(resolved.Reason)) };
    }

    // A border narrower than half a token is a matter of rounding.
    private static string? Note(ImagePruning image)
    {
        var grids = image.Map.Cells.Zip(image.Layout.Components).ToList();
        var (left, top) = (grids.Min(g => g.First.X), grids.Min(g => g.First.Y));
        var right = grids.Max(g => g.First.X + g.Second.Columns * g.First.Width);
        var bottom = grids.Max(g => g.First.Y + g.Second.Rows * g.First.Height);
        var (x, y) = (grids[0].First.Width / 2, grids[0].First.Height / 2);
        if (left <= x && top <= y && right >= image.Width - x && bottom >= image.Height - y) return null;
        return $"Of image {image.ImageIndex} ({image.Width}x{image.Height}) the model saw only x {At(left, image.Width)} to " +
            $"{At(right, image.Width)}, y {At(top, image.Height)} to {At(bottom, image.Height)}: its image processing crops, and boxes " +
            "cannot reach the rest. With VisionModelOptions.ImageFit = Pad the longer side is not cut.";
    }

    private static int At(double edge, int side) => (int)Math.Round(Math.Clamp(edge, 0, side));
}
