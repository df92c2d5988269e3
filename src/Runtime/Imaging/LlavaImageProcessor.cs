namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>Settings of LLaVA-1.5's processor.</summary>
public sealed record LlavaImageOptions
{
    /// <summary>Length of the short side after resizing.</summary>
    public int ShortestEdge { get; init; } = 336;

    /// <summary>Height and width of the crop.</summary>
    public int CropSize { get; init; } = 336;

    /// <summary>Patch size of the tower.</summary>
    public int PatchSize { get; init; } = 14;

    /// <summary>Pad to a square first (LlavaImageProcessor's do_pad).</summary>
    public bool PadToSquare { get; init; }

    /// <summary>Mean and deviation.</summary>
    public PixelNormalizer Normalizer { get; init; } = PixelNormalizer.Clip;

    /// <summary>Colour of the padding: trunc(255 * mean).</summary>
    public byte[] PadColour { get; init; } = [122, 116, 104];
}

/// <summary>LLaVA-1.5's picture path (transformers' slow CLIPImageProcessor and LlavaImageProcessor).</summary>
public sealed class LlavaImageProcessor(LlavaImageOptions options) : IImageProcessor
{
    /// <inheritdoc/>
    public ImagePlan Plan(int width, int height)
    {
        var side = options.CropSize / options.PatchSize;
        var (padX, padY, w, h) = Padding(width, height);
        var (rw, rh) = Resized(w, h);
        // Processed pixel p lies at resized pixel p + offset, resized pixel r at original pixel r * w / rw - pad.
        var (sx, sy) = ((double)w / rw, (double)h / rh);
        var (left, top) = ((rw - options.CropSize) / 2 * sx - padX, (rh - options.CropSize) / 2 * sy - padY);
        var cell = new PixelFrame(left, top, options.PatchSize * sx, options.PatchSize * sy);
        var unit = new PixelFrame(left, top, options.CropSize * sx, options.CropSize * sy);
        return new ImagePlan
        {
            OriginalWidth = width,
            OriginalHeight = height,
            TokenCount = side * side,
            Grids = [ImageGrid.Contiguous("grid", side, side)],
            Map = new CoordinateMap(width, height, CoordinateSpace.Unit, unit, [cell]),
        };
    }

    /// <inheritdoc/>
    public ProcessedImage Process(DecodedImage image)
    {
        var size = options.CropSize;
        var (padX, padY, w, h) = Padding(image.Width, image.Height);
        var rgb = w == image.Width && h == image.Height ? image.Rgb : Pad(image, padX, padY, w, h);
        var (rw, rh) = Resized(w, h);
        var crop = Crop(PillowResizer.Bicubic(rgb, w, h, rw, rh), rw, rh, size);
        var pixels = new float[3 * size * size];
        options.Normalizer.ToPlanes(crop, pixels);
        return new ProcessedImage(Plan(image.Width, image.Height), crop, [size, size, 3], pixels, [1, 3, size, size]);
    }

    private (int PadX, int PadY, int Width, int Height) Padding(int width, int height)
    {
        if (!options.PadToSquare) return (0, 0, width, height);
        var s = Math.Max(width, height);
        return ((s - width) / 2, (s - height) / 2, s, s);
    }

    private byte[] Pad(DecodedImage image, int padX, int padY, int w, int h)
    {
        var canvas = new byte[checked(w * h * 3)];
        for (var i = 0; i < canvas.Length; i += 3) options.PadColour.CopyTo(canvas, i);
        for (var y = 0; y < image.Height; y++)
            Array.Copy(image.Rgb, y * image.Width * 3, canvas, ((y + padY) * w + padX) * 3, image.Width * 3);
        return canvas;
    }

    // Python's int(size * long / short): the product first, then a double division, then truncation.
    private (int Width, int Height) Resized(int w, int h)
    {
        var (s, e) = ((long)Math.Min(w, h), (long)options.ShortestEdge);
        var @long = (int)((double)(e * Math.Max(w, h)) / s);
        return w <= h ? (options.ShortestEdge, @long) : (@long, options.ShortestEdge);
    }

    private static byte[] Crop(byte[] rgb, int w, int h, int size)
    {
        if (w == size && h == size) return rgb;
        // Smaller than the crop (a processor whose edge is below it): zero padding, the odd pixel above and to the left.
        var (left, top) = ((int)Math.Floor((w - size) / 2.0), (int)Math.Floor((h - size) / 2.0));
        var crop = new byte[size * size * 3];
        for (var y = Math.Max(0, -top); y < size && y + top < h; y++)
        {
            var x = Math.Max(0, -left);
            var n = Math.Min(size, w - left) - x;
            if (n > 0) Array.Copy(rgb, ((y + top) * w + x + left) * 3, crop, (y * size + x) * 3, n * 3);
        }

        return crop;
    }
}
