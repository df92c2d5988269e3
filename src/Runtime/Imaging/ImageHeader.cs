using System.Buffers;
using System.Buffers.Binary;
using SkiaSharp;

namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>What an image's first bytes say of it, and whether the file can hold that much: known before anything of
/// its size is taken from memory.</summary>
internal static class ImageHeader
{
    // Deflate makes at most 1032 bytes of one (zlib's documentation); an LZW code of at least 3 bits stands for at most 4096 pixels.
    private const long DeflateRatio = 1032;
    private const long GifPixelsPerByte = 4096 * 8 / 3 + 1;

    private static ReadOnlySpan<byte> Png => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>Checks all images of a request, one by one and together.</summary>
    /// <exception cref="ImageDecodeException">One is unreadable or over a limit, or all together are; the message names which.</exception>
    public static void CheckAll(IReadOnlyList<ReadOnlyMemory<byte>> images, ImageLimits? limits)
    {
        limits ??= ImageLimits.Default;
        var (bytes, pixels) = (0L, 0L);
        for (var i = 0; i < images.Count; i++)
        {
            CheckLength(images[i], limits);
            using var pin = images[i].Pin();
            using var codec = Open(images[i].Span, pin);
            var (width, height) = Check(images[i].Span, codec, limits);
            bytes += images[i].Length;
            pixels += (long)width * height;
        }

        // One image within its own limit is never too many.
        if (images.Count < 2) return;
        if (pixels > Math.Max(limits.MaxPixels, limits.MaxTotalPixels))
            throw new ImageDecodeException(
                $"The {images.Count} images have {pixels} pixels together; the limit for a request is " +
                $"{Math.Max(limits.MaxPixels, limits.MaxTotalPixels)}. Send fewer or smaller ones.", kind: VisionErrorKind.TooLarge);
        if (bytes > limits.MaxTotalBytes)
            throw new ImageDecodeException(
                $"The {images.Count} images have {bytes} bytes together; the limit for a request is {limits.MaxTotalBytes}. Send fewer " +
                "or smaller files.", kind: VisionErrorKind.TooLarge);
    }

    public static void CheckLength(ReadOnlyMemory<byte> bytes, ImageLimits limits)
    {
        if (bytes.IsEmpty) throw new ImageDecodeException("The image is empty (0 bytes).");
        if (bytes.Length > limits.MaxBytes)
            throw new ImageDecodeException(
                $"The image has {bytes.Length} bytes; the limit is {limits.MaxBytes}. Send a smaller file or raise the limit.",
                kind: VisionErrorKind.TooLarge);
    }

    /// <summary>A codec over bytes that stay where they are as long as it lives.</summary>
    public static unsafe SKCodec Open(ReadOnlySpan<byte> bytes, MemoryHandle pinned)
    {
        using var data = SKData.Create((nint)pinned.Pointer, bytes.Length);
        return SKCodec.Create(data)
            ?? throw new ImageDecodeException(
                $"The {bytes.Length} bytes are not a readable image. Supported are PNG, JPEG, WebP, GIF and BMP.");
    }

    /// <summary>The size, once it is within the limit and the file can hold it.</summary>
    public static (int Width, int Height) Check(ReadOnlySpan<byte> bytes, SKCodec codec, ImageLimits limits)
    {
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if (width < 1 || height < 1) throw new ImageDecodeException($"The image is {width}x{height} pixels.");
        if ((long)width * height > limits.MaxPixels)
            throw new ImageDecodeException(
                $"The image is {width}x{height} = {(long)width * height} pixels; the limit is {limits.MaxPixels}. Send a smaller one " +
                "or raise the limit.", kind: VisionErrorKind.TooLarge);
        if (Fewest(bytes, codec.EncodedFormat, width, height) is { } fewest && bytes.Length < fewest)
            throw new ImageDecodeException(
                $"The image ({width}x{height}, {codec.EncodedFormat}) is damaged or incomplete: {bytes.Length} bytes cannot hold it " +
                $"(at least {fewest} would).");
        return (width, height);
    }

    // The fewest bytes that can hold so many pixels; null where the format sets no such bound.
    private static long? Fewest(ReadOnlySpan<byte> file, SKEncodedImageFormat format, int width, int height)
    {
        switch (format)
        {
            case SKEncodedImageFormat.Png when file.StartsWith(Png) && file.Length > 25:
                int channels = file[25] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
                return (((long)width * file[24] * channels + 7) / 8 + 1) * height / DeflateRatio;
            case SKEncodedImageFormat.Gif:
                return (long)width * height / GifPixelsPerByte;
            case SKEncodedImageFormat.Bmp when file.Length >= 34 && BinaryPrimitives.ReadUInt32LittleEndian(file[14..]) >= 40:
                var (bits, compression) =
                    (BinaryPrimitives.ReadUInt16LittleEndian(file[28..]), BinaryPrimitives.ReadUInt32LittleEndian(file[30..]));
                return compression is 0 or 3 ? ((long)width * bits + 31) / 32 * 4 * height : null;
            case SKEncodedImageFormat.Wbmp:
                return ((long)width + 7) / 8 * height;
            default:
                return null;
        }
    }
}
