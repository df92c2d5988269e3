namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>
/// Limits on the images of a request, judged by their headers before anything is decoded. A decoded image takes 7
/// bytes per pixel for a moment and 3 after it.
/// The default is what models can use: the largest that a supported processor keeps is 12.8 megapixels (Qwen2.5-VL);
/// a photo of a 24-megapixel camera passes.
/// </summary>
/// <param name="MaxPixels">Largest width times height of one image.</param>
/// <param name="MaxBytes">Largest encoded size of one image in bytes.</param>
/// <param name="MaxTotalPixels">Largest width times height of all images of a request together.</param>
/// <param name="MaxTotalBytes">Largest encoded size of all images of a request together, in bytes.</param>
public sealed record ImageLimits(
    long MaxPixels = ImageLimits.DefaultMaxPixels, long MaxBytes = 64L << 20, long MaxTotalPixels = 4 * ImageLimits.DefaultMaxPixels,
    long MaxTotalBytes = 256L << 20)
{
    /// <summary>25 megapixels.</summary>
    public const long DefaultMaxPixels = 25_000_000;

    /// <summary>25 megapixels and 64 MiB an image, 100 megapixels and 256 MiB a request.</summary>
    public static ImageLimits Default { get; } = new();
}
