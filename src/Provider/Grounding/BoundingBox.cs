namespace D2Pruner.AI;

/// <summary>A box on the original image (after EXIF orientation), each edge 0..1 of its width or height.</summary>
/// <param name="Left">Left edge.</param>
/// <param name="Top">Top edge.</param>
/// <param name="Right">Right edge, at least <paramref name="Left"/>.</param>
/// <param name="Bottom">Bottom edge, at least <paramref name="Top"/>.</param>
public readonly record struct BoundingBox(float Left, float Top, float Right, float Bottom)
{
    /// <summary>The box in whole pixels, edges rounded to the nearest.</summary>
    /// <param name="width">Width of the image in pixels, at least 1.</param>
    /// <param name="height">Height of the image in pixels, at least 1.</param>
    /// <returns>Left and top corner, width and height.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A side is below 1.</exception>
    public System.Drawing.Rectangle ToPixels(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        static int At(float share, int side) => (int)Math.Round((double)share * side, MidpointRounding.AwayFromZero);
        return System.Drawing.Rectangle.FromLTRB(At(Left, width), At(Top, height), At(Right, width), At(Bottom, height));
    }

    internal static BoundingBox Clip(double left, double top, double right, double bottom)
    {
        static float Edge(double v) => (float)Math.Clamp(v, 0, 1);
        return new BoundingBox(Edge(left), Edge(top), Edge(right), Edge(bottom));
    }
}
