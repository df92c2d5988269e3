namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>What a processor will make of an image of a given size, known without its pixels.</summary>
internal record ImagePlan
{
    /// <summary>Original width in pixels.</summary>
    public required int OriginalWidth { get; init; }

    /// <summary>Original height in pixels.</summary>
    public required int OriginalHeight { get; init; }

    /// <summary>Placeholder tokens of the image, separators included.</summary>
    public required int TokenCount { get; init; }

    /// <summary>Grids of visual tokens.</summary>
    public required IReadOnlyList<ImageGrid> Grids { get; init; }

    /// <summary>Offsets of separators (LLaVA-NeXT's newlines) in the run.</summary>
    public int[] SeparatorOffsets { get; init; } = [];

    /// <summary>Back to the original.</summary>
    public required CoordinateMap Map { get; init; }

    /// <summary>Qwen2.5-VL: (1, rows, columns) in patches.</summary>
    public int[]? GridThw { get; init; }

    /// <summary>InternVL: tiles as (columns, rows).</summary>
    public (int Columns, int Rows)? Tiles { get; init; }

    /// <summary>LLaVA-NeXT: the chosen resolution as (height, width).</summary>
    public (int Height, int Width)? BestResolution { get; init; }
}

/// <summary>A processed image: its plan and its pixels.</summary>
internal sealed record ProcessedImage : ImagePlan
{
    /// <summary>Copies a plan.</summary>
    [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
    public ProcessedImage(ImagePlan plan, byte[] resized, int[] resizedShape, float[] pixels, int[] pixelShape) : base(plan)
    {
        Resized = resized;
        ResizedShape = resizedShape;
        Pixels = pixels;
        PixelShape = pixelShape;
    }

    /// <summary>Bytes after resizing, padding, cropping and tiling: [H, W, 3] or [tiles, H, W, 3].</summary>
    public byte[] Resized { get; }

    /// <summary>Shape of <see cref="Resized"/>.</summary>
    public int[] ResizedShape { get; }

    /// <summary>Normalised input of the tower: [tiles, 3, H, W], or [patches, features] (Qwen2.5-VL).</summary>
    public float[] Pixels { get; }

    /// <summary>Shape of <see cref="Pixels"/>.</summary>
    public int[] PixelShape { get; }

    /// <summary>The plan alone, so that nothing keeps the pixels alive.</summary>
    public ImagePlan WithoutPixels() => new ProcessedImage(this, [], [0], [], [0]);
}

/// <summary>Prepares images for one model family.</summary>
internal interface IImageProcessor
{
    /// <summary>The layout for an image of a given size.</summary>
    /// <exception cref="ImageDecodeException">The family refuses such a size.</exception>
    ImagePlan Plan(int width, int height);

    /// <summary>Processes an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="cancellationToken">Observed at every row that is resized.</param>
    /// <exception cref="ImageDecodeException">The family refuses such a size.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    ProcessedImage Process(DecodedImage image, CancellationToken cancellationToken = default);
}
