using D2Pruner.AI.Runtime.Imaging;
namespace D2Pruner.AI.Runtime.Models.LlavaNext;

/// <summary>Settings of LLaVA-NeXT's processor.</summary>
internal sealed record LlavaNextImageOptions
{
    /// <summary>Side of a tile in pixels.</summary>
    public int TileSize { get; init; } = 336;

    /// <summary>Patch size of the tower.</summary>
    public int PatchSize { get; init; } = 14;

    /// <summary>Resolutions to choose from, (height, width), in the file's order.</summary>
    public IReadOnlyList<(int Height, int Width)> Pinpoints { get; init; } = [(336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008)];

    /// <summary>Filter.</summary>
    public ResampleFilter Resample { get; init; } = ResampleFilter.Bicubic;

    /// <summary>Mean and deviation.</summary>
    public PixelNormalizer Normalizer { get; init; } = PixelNormalizer.Clip;
}

/// <summary>LLaVA-NeXT's image path (transformers' slow LlavaNextImageProcessor): a squashed base tile, then the padded image in
/// tiles, unpadded again on the grid.</summary>
internal sealed class LlavaNextImageProcessor(LlavaNextImageOptions options) : IImageProcessor
{
    /// <inheritdoc/>
    public ImagePlan Plan(int width, int height)
    {
        var best = BestResolution(width, height);
        var side = options.TileSize / options.PatchSize;
        var (rows, columns, padTop, padLeft) =
            Unpad(best.Height / options.TileSize * side, best.Width / options.TileSize * side, width, height);
        var (newWidth, newHeight) = Fit(best, width, height);
        var (left, top) = ((best.Width - newWidth) / 2, (best.Height - newHeight) / 2);
        var (sx, sy) = ((double)width / newWidth, (double)height / newHeight);
        double patch = options.PatchSize;
        var start = side * side;
        var mosaic = new int[rows * columns];
        var newlines = new int[rows];
        for (var r = 0; r < rows; r++)
        {
            for (var c = 0; c < columns; c++) mosaic[r * columns + c] = start + r * (columns + 1) + c;
            newlines[r] = start + r * (columns + 1) + columns;
        }

        List<ImageGrid> grids = [ImageGrid.Contiguous("base", side, side)];
        List<PixelFrame> cells = [new PixelFrame(0, 0, (double)width / side, (double)height / side)];
        // Of a picture thin as a line, unpadding leaves nothing; the reference goes on with the base tile alone.
        if (mosaic.Length > 0)
        {
            grids.Add(new ImageGrid("mosaic", rows, columns, mosaic));
            cells.Add(new PixelFrame((padLeft * patch - left) * sx, (padTop * patch - top) * sy, patch * sx, patch * sy));
        }

        return new ImagePlan
        {
            OriginalWidth = width,
            OriginalHeight = height,
            TokenCount = start + rows * (columns + 1),
            Grids = grids,
            SeparatorOffsets = newlines,
            BestResolution = best,
            Map = new CoordinateMap(width, height, CoordinateSpace.Unit, new PixelFrame(0, 0, width, height), cells),
        };
    }

    /// <inheritdoc/>
    public ProcessedImage Process(DecodedImage image, CancellationToken cancellationToken = default)
    {
        var plan = Plan(image.Width, image.Height);
        var (best, t) = (plan.BestResolution!.Value, options.TileSize);
        var (newWidth, newHeight) = Fit(best, image.Width, image.Height);
        var resized = PillowResizer.Resize(
            image.Rgb, image.Width, image.Height, newWidth, newHeight, options.Resample, cancellationToken);
        var canvas = new byte[best.Height * best.Width * 3]; // black before normalisation
        var (left, top) = ((best.Width - newWidth) / 2, (best.Height - newHeight) / 2);
        for (var y = 0; y < newHeight; y++)
            Array.Copy(resized, y * newWidth * 3, canvas, ((y + top) * best.Width + left) * 3, newWidth * 3);
        var (rows, columns) = (best.Height / t, best.Width / t);
        var tile = t * t * 3;
        var tiles = new byte[(1 + rows * columns) * tile];
        PillowResizer.Resize(image.Rgb, image.Width, image.Height, t, t, options.Resample, cancellationToken).CopyTo(tiles, 0);
        for (var k = 0; k < rows * columns; k++)
        {
            var (y0, x0) = (k / columns * t, k % columns * t);
            for (var y = 0; y < t; y++) Array.Copy(canvas, ((y0 + y) * best.Width + x0) * 3, tiles, (k + 1) * tile + y * t * 3, t * 3);
        }

        var count = 1 + rows * columns;
        var pixels = new float[tiles.Length];
        for (var k = 0; k < count; k++) options.Normalizer.ToPlanes(tiles.AsSpan(k * tile, tile), pixels.AsSpan(k * tile, tile));
        return new ProcessedImage(plan, tiles, [count, t, t, 3], pixels, [count, 3, t, t]);
    }

    // select_best_resolution: the larger effective area, then the smaller waste, then the earlier entry.
    private (int Height, int Width) BestResolution(int width, int height)
    {
        (int, int) best = default;
        var (bestEffective, bestWaste) = (-1L, long.MaxValue);
        foreach (var (h, w) in options.Pinpoints)
        {
            var scale = Math.Min((double)w / width, (double)h / height);
            var effective = Math.Min((long)(width * scale) * (long)(height * scale), (long)width * height);
            var waste = (long)w * h - effective;
            if (effective > bestEffective || (effective == bestEffective && waste < bestWaste))
                (best, bestEffective, bestWaste) = ((h, w), effective, waste);
        }

        return best;
    }

    // patch_output_size: the side that limits fills its pinpoint, the other is rounded up.
    private static (int Width, int Height) Fit((int Height, int Width) best, int width, int height)
    {
        var (sw, sh) = ((double)best.Width / width, (double)best.Height / height);
        return sw < sh
            ? (best.Width, Math.Min((int)Math.Ceiling(height * sw), best.Height))
            : (Math.Min((int)Math.Ceiling(width * sh), best.Width), best.Height);
    }

    // unpad_image on the grid: Python's round to 7 decimals (half even on the decimal expansion), then truncation; an odd remainder stays.
    private static (int Rows, int Columns, int Top, int Left) Unpad(int rows, int columns, int width, int height)
    {
        static int Size(int original, double scale) => (int)decimal.Round((decimal)(original * scale), 7, MidpointRounding.ToEven);
        if ((double)width / height > (double)columns / rows)
        {
            var pad = (rows - Size(height, (double)columns / width)) / 2;
            return (rows - 2 * pad, columns, pad, 0);
        }
        else
        {
            var pad = (columns - Size(width, (double)rows / height)) / 2;
            return (rows, columns - 2 * pad, 0, pad);
        }
    }
}
