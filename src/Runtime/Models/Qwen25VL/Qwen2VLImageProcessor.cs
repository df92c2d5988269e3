using D2Pruner.AI.Runtime.Imaging;
namespace D2Pruner.AI.Runtime.Models.Qwen25VL;

/// <summary>Settings of Qwen2.5-VL's processor; the pixel limits are the class's defaults.</summary>
internal sealed record Qwen2VLImageOptions
{
    /// <summary>Fewest pixels after resizing.</summary>
    public long MinPixels { get; init; } = 3136;

    /// <summary>Most pixels after resizing.</summary>
    public long MaxPixels { get; init; } = 1003520;

    /// <summary>Patch size.</summary>
    public int PatchSize { get; init; } = 14;

    /// <summary>Patches per side that merge into one token.</summary>
    public int MergeSize { get; init; } = 2;

    /// <summary>Frames of a patch; an image is repeated.</summary>
    public int TemporalPatchSize { get; init; } = 2;

    /// <summary>Filter.</summary>
    public ResampleFilter Resample { get; init; } = ResampleFilter.Bicubic;

    /// <summary>Mean and deviation.</summary>
    public PixelNormalizer Normalizer { get; init; } = PixelNormalizer.Clip;
}

/// <summary>Qwen2.5-VL's image path (transformers' slow Qwen2VLImageProcessor): dynamic resolution,
/// patches in merge-block order.</summary>
internal sealed class Qwen2VLImageProcessor(Qwen2VLImageOptions options) : IImageProcessor
{
    private const int MaxAspectRatio = 200;

    /// <inheritdoc/>
    public ImagePlan Plan(int width, int height)
    {
        var (w, h) = SmartResize(width, height);
        var (rows, columns) = (h / options.PatchSize / options.MergeSize, w / options.PatchSize / options.MergeSize);
        return new ImagePlan
        {
            OriginalWidth = width,
            OriginalHeight = height,
            TokenCount = rows * columns,
            Grids = [ImageGrid.Contiguous("grid", rows, columns)],
            GridThw = [1, h / options.PatchSize, w / options.PatchSize],
            Map = new CoordinateMap(width, height, CoordinateSpace.ResizedPixels,
                new PixelFrame(0, 0, (double)width / w, (double)height / h),
                [new PixelFrame(0, 0, (double)width / columns, (double)height / rows)]),
        };
    }

    /// <inheritdoc/>
    public ProcessedImage Process(DecodedImage image, CancellationToken cancellationToken = default)
    {
        var plan = Plan(image.Width, image.Height);
        var (p, m, t) = (options.PatchSize, options.MergeSize, options.TemporalPatchSize);
        var (gh, gw) = (plan.GridThw![1], plan.GridThw[2]);
        var (w, h) = (gw * p, gh * p);
        var rgb = PillowResizer.Resize(image.Rgb, image.Width, image.Height, w, h, options.Resample, cancellationToken);
        var features = 3 * t * p * p;
        var pixels = new float[checked(gh * gw * features)];
        var at = 0;
        for (var block = 0; block < gh / m * (gw / m); block++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (var inner = 0; inner < m * m; inner++)
            {
                var (row, column) = ((block / (gw / m) * m + inner / m) * p, (block % (gw / m) * m + inner % m) * p);
                for (var c = 0; c < 3; c++)
                {
                    for (var frame = 0; frame < t; frame++)
                    {
                        for (var y = 0; y < p; y++)
                        {
                            for (var x = 0; x < p; x++) pixels[at++] = options.Normalizer[c, rgb[((row + y) * w + column + x) * 3 + c]];
                        }
                    }
                }
            }
        }

        return new ProcessedImage(plan, rgb, [h, w, 3], pixels, [gh * gw, features]);
    }

    // smart_resize: sides rounded (half to even) to multiples of the merged patch, then into the pixel limits.
    private (int Width, int Height) SmartResize(int width, int height)
    {
        if (Math.Max(width, height) > MaxAspectRatio * (long)Math.Min(width, height))
            throw new ImageDecodeException(
                $"The image is {width}x{height}; its sides may differ by a factor of {MaxAspectRatio} at most.");
        var factor = options.PatchSize * options.MergeSize;
        var (h, w) = ((int)Math.Round((double)height / factor) * factor, (int)Math.Round((double)width / factor) * factor);
        if ((long)h * w > options.MaxPixels)
        {
            var beta = Math.Sqrt((double)height * width / options.MaxPixels);
            h = Math.Max(factor, (int)Math.Floor(height / beta / factor) * factor);
            w = Math.Max(factor, (int)Math.Floor(width / beta / factor) * factor);
        }
        else if ((long)h * w < options.MinPixels)
        {
            var beta = Math.Sqrt(options.MinPixels / ((double)height * width));
            h = (int)Math.Ceiling(height * beta / factor) * factor;
            w = (int)Math.Ceiling(width * beta / factor) * factor;
        }

        return (w, h);
    }
}
