using SkiaSharp;

namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>Decodes images as Pillow's <c>convert("RGB")</c> after EXIF orientation would: no colour management,
/// alpha dropped, grey replicated. Samples of 16 bits keep their upper byte, those of plain grey images too: there Pillow (12.3, and 13
/// so far) clips at 255 instead, which makes nearly all of such an image white.</summary>
public static class ImageDecoder
{
    /// <summary>Checks all images of a request by their headers: nothing is decoded.</summary>
    /// <param name="images">The files.</param>
    /// <param name="limits">Limits; null for the defaults.</param>
    /// <exception cref="ImageDecodeException">One is unreadable or over a limit, or all together are.</exception>
    public static void CheckAll(IReadOnlyList<ReadOnlyMemory<byte>> images, ImageLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        ImageHeader.CheckAll(images, limits);
    }

    /// <summary>Decodes an image.</summary>
    /// <param name="bytes">The file (PNG, JPEG, WebP, GIF, BMP, ...).</param>
    /// <param name="limits">Limits; null for the defaults.</param>
    /// <param name="cancellationToken">Observed before the file is decoded (one call of libskia, which cannot be interrupted) and then
    /// at every row.</param>
    /// <exception cref="ImageDecodeException">It is empty, too large, damaged or of an unknown format.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static DecodedImage Decode(
        ReadOnlyMemory<byte> bytes, ImageLimits? limits = null, CancellationToken cancellationToken = default)
    {
        limits ??= ImageLimits.Default;
        ImageHeader.CheckLength(bytes, limits);
        bytes = GifTransparency.Without(bytes);
        using var pin = bytes.Pin();
        using var codec = ImageHeader.Open(bytes.Span, pin);
        var (width, height) = ImageHeader.Check(bytes.Span, codec, limits);
        cancellationToken.ThrowIfCancellationRequested();
        var rgba = Pixels(codec, width, height);
        var origin = codec.EncodedOrigin;
        if (origin is SKEncodedOrigin.TopLeft or SKEncodedOrigin.Default)
            origin = PngOrientation.Find(bytes.Span) ?? SKEncodedOrigin.TopLeft;
        return Orient(rgba, width, height, origin, cancellationToken);
    }

    private static byte[] Pixels(SKCodec codec, int width, int height)
    {
        // A null colour space leaves the stored values alone; unpremultiplied keeps colours under transparency.
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul, null);
        var pixels = new byte[(long)width * height * 4];
        SKCodecResult result;
        unsafe
        {
            fixed (byte* p = pixels) result = codec.GetPixels(info, (nint)p, width * 4, new SKCodecOptions(SKZeroInitialized.No));
        }

        return result == SKCodecResult.Success
            ? pixels
            : throw new ImageDecodeException($"The image ({width}x{height}, {codec.EncodedFormat}) is damaged or incomplete ({result}).");
    }

    private static DecodedImage Orient(byte[] rgba, int width, int height, SKEncodedOrigin origin, CancellationToken cancellationToken)
    {
        var swap = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom
            or SKEncodedOrigin.LeftBottom;
        var (w, h) = swap ? (height, width) : (width, height);
        var rgb = new byte[w * h * 3];
        for (int y = 0, o = 0; y < h; y++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (var x = 0; x < w; x++, o += 3)
            {
                var (sx, sy) = origin switch
                {
                    SKEncodedOrigin.TopRight => (width - 1 - x, y),
                    SKEncodedOrigin.BottomRight => (width - 1 - x, height - 1 - y),
                    SKEncodedOrigin.BottomLeft => (x, height - 1 - y),
                    SKEncodedOrigin.LeftTop => (y, x),
                    SKEncodedOrigin.RightTop => (y, height - 1 - x),
                    SKEncodedOrigin.RightBottom => (width - 1 - y, height - 1 - x),
                    SKEncodedOrigin.LeftBottom => (width - 1 - y, x),
                    _ => (x, y),
                };
                var s = (sy * width + sx) * 4;
                rgb[o] = rgba[s];
                rgb[o + 1] = rgba[s + 1];
                rgb[o + 2] = rgba[s + 2];
            }
        }

        return new DecodedImage(w, h, rgb);
    }
}
