namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>Limits on a picture, checked before it is decoded.</summary>
/// <param name="MaxPixels">Largest width times height.</param>
/// <param name="MaxBytes">Largest encoded size in bytes.</param>
public sealed record ImageLimits(long MaxPixels = 64_000_000, long MaxBytes = 256L << 20)
{
    /// <summary>64 megapixels, 256 MiB.</summary>
    public static ImageLimits Default { get; } = new();
}
