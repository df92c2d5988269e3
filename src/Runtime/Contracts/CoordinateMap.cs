using D2Pruner.AI.Runtime.Imaging;
namespace D2Pruner.AI.Runtime;

/// <summary>Units in which a model family writes coordinates.</summary>
public enum CoordinateSpace
{
    /// <summary>0..1 of the processed image (LLaVA).</summary>
    Unit,

    /// <summary>Pixels of the resized image (Qwen2.5-VL).</summary>
    ResizedPixels,

    /// <summary>0..1000 of the image (InternVL).</summary>
    Thousand,
}

/// <summary>A rectangle in pixels of the original image.</summary>
/// <param name="Left">Left edge.</param>
/// <param name="Top">Top edge.</param>
/// <param name="Right">Right edge.</param>
/// <param name="Bottom">Bottom edge.</param>
public readonly record struct PixelBox(double Left, double Top, double Right, double Bottom);

/// <summary>An affine map from a grid (or the processed image) to original pixels.</summary>
/// <param name="X">Original x of the left edge.</param>
/// <param name="Y">Original y of the top edge.</param>
/// <param name="Width">Original width of one unit.</param>
/// <param name="Height">Original height of one unit.</param>
public readonly record struct PixelFrame(double X, double Y, double Width, double Height);

/// <summary>Where grid cells and the model's coordinates lie on the original image.</summary>
/// <param name="Width">Original width in pixels.</param>
/// <param name="Height">Original height in pixels.</param>
/// <param name="Space">Units of the model's coordinates.</param>
/// <param name="Unit">Frame of one coordinate unit.</param>
/// <param name="Cells">Per grid: frame of one cell.</param>
public sealed record CoordinateMap(int Width, int Height, CoordinateSpace Space, PixelFrame Unit, IReadOnlyList<PixelFrame> Cells)
{
    /// <summary>A cell in original pixels, clipped to the image; parts of the processed image outside
    /// it (padding) give empty boxes.</summary>
    public PixelBox Cell(int grid, int row, int column)
    {
        var f = Cells[grid];
        return Clip(f.X + column * f.Width, f.Y + row * f.Height, f.X + (column + 1) * f.Width, f.Y + (row + 1) * f.Height);
    }

    /// <summary>A box written by the model in original pixels, clipped to the image.</summary>
    public PixelBox FromModel(double x1, double y1, double x2, double y2) =>
        Clip(Unit.X + x1 * Unit.Width, Unit.Y + y1 * Unit.Height, Unit.X + x2 * Unit.Width, Unit.Y + y2 * Unit.Height);

    private PixelBox Clip(double x1, double y1, double x2, double y2) =>
        new(Math.Clamp(x1, 0, Width), Math.Clamp(y1, 0, Height), Math.Clamp(x2, 0, Width), Math.Clamp(y2, 0, Height));
}
