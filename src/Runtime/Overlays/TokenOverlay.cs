using D2Pruner.AI.Runtime.Imaging;
using SkiaSharp;

namespace D2Pruner.AI.Runtime.Overlays;

/// <summary>Draws an image with its dropped visual tokens dimmed: what the layers after the prune point still see.</summary>
public static class TokenOverlay
{
    private const int Divisor = 4;
    private const int UnseenDivisor = 8;
    private const int HatchPeriod = 8;

    private enum Place : byte
    {
        Unseen,
        Dropped,
        Kept,
    }

    /// <summary>Renders the image.</summary>
    /// <param name="image">The original image.</param>
    /// <param name="keptAreas">Areas of the kept tokens in original pixels; everything else is dimmed to a
    /// quarter, cropped-off borders included.</param>
    /// <returns>A PNG.</returns>
    public static byte[] Render(DecodedImage image, IEnumerable<PixelBox> keptAreas)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(keptAreas);
        var places = new Place[image.Width * image.Height];
        Array.Fill(places, Place.Dropped);
        foreach (var box in keptAreas) Mark(places, image, box, Place.Kept);
        return Png(image, places);
    }

    /// <summary>
    /// Renders the image from its layout. Kept cells keep their colours exactly, dropped ones are dimmed to a quarter, and what no token
    /// sees (LLaVA's cropped-off borders) to an eighth with black hatching. Where grids overlap, a place is bright if any of them keeps it.
    /// </summary>
    /// <param name="image">The original image.</param>
    /// <param name="map">Its coordinate map.</param>
    /// <param name="grids">Its grids, as in <see cref="ImagePlan.Grids"/>.</param>
    /// <param name="kept">Layout indices of the kept tokens: grid after grid, row-major, separators not counted.</param>
    /// <returns>A PNG of the image's size.</returns>
    /// <exception cref="ArgumentException">The map belongs to an image of another size or has another number of grids, or an
    /// index is outside the layout.</exception>
    public static byte[] Render(DecodedImage image, CoordinateMap map, IReadOnlyList<ImageGrid> grids, IReadOnlySet<int> kept)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(grids);
        ArgumentNullException.ThrowIfNull(kept);
        if ((map.Width, map.Height) != (image.Width, image.Height))
            throw new ArgumentException(
                $"The map is of an image of {map.Width}x{map.Height}, the image is {image.Width}x{image.Height}.", nameof(map));
        if (map.Cells.Count != grids.Count)
            throw new ArgumentException($"The map has {map.Cells.Count} grids, the layout {grids.Count}.", nameof(grids));
        var tokens = grids.Sum(g => g.Rows * g.Columns);
        foreach (var k in kept)
        {
            if (k < 0 || k >= tokens)
                throw new ArgumentException($"The kept index {k} is outside the layout of {tokens} tokens.", nameof(kept));
        }

        var places = new Place[image.Width * image.Height];
        var index = 0;
        for (var g = 0; g < grids.Count; g++)
        {
            for (var r = 0; r < grids[g].Rows; r++)
            {
                for (var c = 0; c < grids[g].Columns; c++)
                    Mark(places, image, map.Cell(g, r, c), kept.Contains(index++) ? Place.Kept : Place.Dropped);
            }
        }

        return Png(image, places);
    }

    // A pixel belongs to the cell that holds its centre; brighter places win.
    private static void Mark(Place[] places, DecodedImage image, PixelBox box, Place place)
    {
        var (left, right) = (First(box.Left), Math.Min(First(box.Right), image.Width));
        for (var y = First(box.Top); y < Math.Min(First(box.Bottom), image.Height); y++)
        {
            for (var x = left; x < right; x++)
            {
                ref var p = ref places[y * image.Width + x];
                if (p < place) p = place;
            }
        }

        static int First(double edge) => Math.Max(0, (int)Math.Ceiling(edge - 0.5));
    }

    private static byte[] Png(DecodedImage image, Place[] places)
    {
        var rgba = new byte[places.Length * 4];
        for (int i = 0, s = 0, o = 0; i < places.Length; i++, s += 3, o += 4)
        {
            for (var c = 0; c < 3; c++)
            {
                rgba[o + c] = places[i] switch
                {
                    Place.Kept => image.Rgb[s + c],
                    Place.Dropped => (byte)(image.Rgb[s + c] / Divisor),
                    _ => (i % image.Width + i / image.Width) % HatchPeriod == 0 ? (byte)0 : (byte)(image.Rgb[s + c] / UnseenDivisor),
                };
            }

            rgba[o + 3] = 255;
        }

        var info = new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque, null);
        using var drawn = SKImage.FromPixelCopy(info, rgba, image.Width * 4);
        using var png = drawn.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
