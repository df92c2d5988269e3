using SkiaSharp;

namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>Draws a picture with its dropped visual tokens dimmed: what the layers after the prune point still see.</summary>
public static class TokenOverlay
{
    private const int Divisor = 4;

    /// <summary>Renders the picture.</summary>
    /// <param name="image">The original picture.</param>
    /// <param name="keptAreas">Areas of the kept tokens in original pixels; everything else is dimmed to a quarter, cropped-off borders included.</param>
    /// <returns>A PNG.</returns>
    public static byte[] Render(DecodedImage image, IEnumerable<PixelBox> keptAreas)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(keptAreas);
        var bright = new bool[image.Width * image.Height];
        foreach (var box in keptAreas)
        {
            // A pixel belongs to the cell that holds its centre.
            var (left, right) = (First(box.Left), Math.Min(First(box.Right), image.Width));
            for (var y = First(box.Top); y < Math.Min(First(box.Bottom), image.Height); y++) Array.Fill(bright, true, y * image.Width + left, Math.Max(0, right - left));
        }

        var rgba = new byte[bright.Length * 4];
        for (int i = 0, s = 0, o = 0; i < bright.Length; i++, s += 3, o += 4)
        {
            for (var c = 0; c < 3; c++) rgba[o + c] = bright[i] ? image.Rgb[s + c] : (byte)(image.Rgb[s + c] / Divisor);
            rgba[o + 3] = 255;
        }

        var info = new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque, null);
        using var picture = SKImage.FromPixelCopy(info, rgba, image.Width * 4);
        using var png = picture.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();

        static int First(double edge) => Math.Max(0, (int)Math.Ceiling(edge - 0.5));
    }
}
