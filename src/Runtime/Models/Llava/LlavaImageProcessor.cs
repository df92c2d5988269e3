using D2Pruner.AI.Runtime.Imaging;
namespace D2Pruner.AI.Runtime.Models.Llava;

/// <summary>Settings of LLaVA-1.5's processor.</summary>
internal sealed record LlavaImageOptions
{
    /// <summary>Length of the short side after resizing.</summary>
    public int ShortestEdge { get; init; } = 336;

    /// <summary>Sides after resizing, whatever the image's shape; null where it is kept (<see cref="ShortestEdge"/>).</summary>
    public (int Width, int Height)? ExactSize { get; init; }

    /// <summary>Height and width of the crop.</summary>
    public int CropSize { get; init; } = 336;

    /// <summary>Patch size of the tower.</summary>
    public int PatchSize { get; init; } = 14;

    /// <summary>Pad to a square first (LlavaImageProcessor's do_pad).</summary>
    public bool PadToSquare { get; init; }

    /// <summary>CLS tokens in front of the grid: 0, or 1 where vision_feature_select_strategy is "full". They are never pruned.</summary>
    public int ClassTokens { get; init; }

    /// <summary>Filter.</summary>
    public ResampleFilter Resample { get; init; } = ResampleFilter.Bicubic;

    /// <summary>Mean and deviation.</summary>
    public PixelNormalizer Normalizer { get; init; } = PixelNormalizer.Clip;

    /// <summary>Colour of the padding: trunc(255 * mean).</summary>
    public byte[] PadColour { get; init; } = [122, 116, 104];
}

/// <summary>LLaVA-1.5's image path (transformers' slow CLIPImageProcessor and LlavaImageProcessor).</summary>
internal sealed class LlavaImageProcessor(LlavaImageOptions options) : IImageProcessor
{
    /// <inheritdoc/>
    public ImagePlan Plan(int width, int height)
    {
        var side = options.CropSize / options.PatchSize;
        var (padX, padY, w, h) = Padding(width, height);
        var (rw, rh) = Resized(w, h);
        // Processed pixel p lies at resized pixel p + offset, resized pixel r at original pixel r * w / rw - pad.
        var (sx, sy) = ((double)w / rw, (double)h / rh);
        var (left, top) = (Offset(rw) * sx - padX, Offset(rh) * sy - padY);
        var cell = new PixelFrame(left, top, options.PatchSize * sx, options.PatchSize * sy);
        var unit = new PixelFrame(left, top, options.CropSize * sx, options.CropSize * sy);
        return new ImagePlan
        {
            OriginalWidth = width,
            OriginalHeight = height,
            TokenCount = options.ClassTokens + side * side,
            Grids = [ImageGrid.Contiguous("grid", side, side, options.ClassTokens)],
            SeparatorOffsets = [.. Enumerable.Range(0, options.ClassTokens)],
            Map = new CoordinateMap(width, height, CoordinateSpace.Unit, unit, [cell]),
        };
    }

    /// <inheritdoc/>
    public ProcessedImage Process(DecodedImage image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        var size = options.CropSize;
        var (padX, padY, w, h) = Padding(image.Width, image.Height);
        var (rw, rh) = Resized(w, h);
        // Only the crop is computed: the whole of a long resized image may be thousands of times larger.
        var (left, top) = (Offset(rw), Offset(rh));
        var window = new PixelWindow(Math.Max(left, 0), Math.Max(top, 0), Math.Min(rw, size), Math.Min(rh, size));
        var part = PillowResizer.Resize(
            new PixelRows(image, padX, padY, w, h, options.PadColour), rw, rh, options.Resample, window, cancellationToken);
        var crop = Place(part, window, Math.Max(-left, 0), Math.Max(-top, 0), size);
        var pixels = new float[3 * size * size];
        options.Normalizer.ToPlanes(crop, pixels);
        return new ProcessedImage(Plan(image.Width, image.Height), crop, [size, size, 3], pixels, [1, 3, size, size]);
    }

    // Where the crop begins; negative where the image is smaller (an edge below the crop): the odd pixel
    // of the padding is above and to the left.
    private int Offset(int resized) => (int)Math.Floor((resized - options.CropSize) / 2.0);

    private (int PadX, int PadY, int Width, int Height) Padding(int width, int height)
    {
        if (!options.PadToSquare) return (0, 0, width, height);
        var s = Math.Max(width, height);
        return ((s - width) / 2, (s - height) / 2, s, s);
    }

    // Python's int(size * long / short): the product first, then a double division, then truncation.
    private (int Width, int Height) Resized(int w, int h)
    {
        if (options.ExactSize is { } exact) return exact;
        var (s, e) = ((long)Math.Min(w, h), (long)options.ShortestEdge);
        var @long = (double)(e * Math.Max(w, h)) / s;
        if (@long > int.MaxValue)
            throw new ImageDecodeException(
                $"The image is {w}x{h}; its sides are too far apart to bring the short one to {e} pixels. Cut the image.");
        return w <= h ? (options.ShortestEdge, (int)@long) : ((int)@long, options.ShortestEdge);
    }

    private static byte[] Place(byte[] part, PixelWindow window, int left, int top, int size)
    {
        if (window.Width == size && window.Height == size) return part;
        var crop = new byte[size * size * 3];
        for (var y = 0; y < window.Height; y++)
            Array.Copy(part, y * window.Width * 3, crop, ((y + top) * size + left) * 3, window.Width * 3);
        return crop;
    }
}
