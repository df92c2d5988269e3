namespace D2Pruner.AI;

/// <summary>A thing found, as JSON.</summary>
internal sealed class LocatedObject
{
    /// <summary>What was asked for, or what the model calls it, or null.</summary>
    public string? Label { get; init; }

    /// <summary>Left, top, right, bottom in 0..1 of the original image.</summary>
    public required double[] Box { get; init; }

    /// <summary>The same in pixels, where the image's size is known.</summary>
    public int[]? Pixels { get; init; }

    public static LocatedObject Of(string? label, BoundingBox box, int? width, int? height)
    {
        var pixels = width is { } w && height is { } h ? box.ToPixels(w, h) : (System.Drawing.Rectangle?)null;
        return new LocatedObject
        {
            Label = label,
            Box = [Short(box.Left), Short(box.Top), Short(box.Right), Short(box.Bottom)],
            Pixels = pixels is { } p ? [p.Left, p.Top, p.Right, p.Bottom] : null,
        };

        static double Short(float value) => Math.Round(value, 3);
    }
}
