using D2Pruner.AI.Runtime.Imaging;
using SkiaSharp;

namespace D2Pruner.AI;

/// <summary>
/// Cuts a part out of an image, for a second look at full budget: a model sees every image at its own size, so that a small thing in a
/// large image is a few pixels to it, and a large one in a crop.
/// </summary>
public static class ImageCrop
{
    /// <summary>Cuts out a box with its surroundings.</summary>
    /// <param name="image">The encoded image.</param>
    /// <param name="box">The box, in 0..1 of it.</param>
    /// <param name="scale">How much larger than the box's longer side the crop's sides are, at least 1.</param>
    /// <param name="minSide">Smallest side of the crop in pixels of the image, where the image is as large; the default is LLaVA's
    /// 336.</param>
    /// <returns>A PNG: a square around the box's middle, moved and cut where the image ends.</returns>
    /// <exception cref="ImageDecodeException">The bytes are no image, or it is over the limits.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static byte[] Around(ReadOnlyMemory<byte> image, BoundingBox box, double scale = 2, int minSide = 336)
    {
        if (!(scale >= 1)) throw new ArgumentOutOfRangeException(nameof(scale), scale, "Expected at least 1.");
        ArgumentOutOfRangeException.ThrowIfLessThan(minSide, 1);
        var decoded = ImageDecoder.Decode(image);
        var pixels = box.ToPixels(decoded.Width, decoded.Height);
        var side = Math.Max(minSide, (int)Math.Ceiling(scale * Math.Max(pixels.Width, pixels.Height)));
        var (width, height) = (Math.Min(side, decoded.Width), Math.Min(side, decoded.Height));
        var left = Math.Clamp(pixels.X + (pixels.Width - width) / 2, 0, decoded.Width - width);
        var top = Math.Clamp(pixels.Y + (pixels.Height - height) / 2, 0, decoded.Height - height);

        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var to = bitmap.GetPixelSpan();
        for (var y = 0; y < height; y++)
        {
            var from = decoded.Rgb.AsSpan(((top + y) * decoded.Width + left) * 3, width * 3);
            for (var x = 0; x < width; x++)
            {
                from.Slice(3 * x, 3).CopyTo(to[(4 * (y * width + x))..]);
                to[4 * (y * width + x) + 3] = 255;
            }
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
