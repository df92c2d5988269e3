using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Overlays;
using SkiaSharp;

namespace D2Pruner.AI;

/// <summary>Draws boxes with labels over an image.</summary>
public static class BoxOverlay
{
    // Small images are enlarged, so that labels can be read; large ones are shrunk, because a look is all that is wanted.
    private const int MinSide = 480;
    private const int MaxSide = 1024;
    private const int TextScale = 2;

    private static readonly SKColor[] Colours = [SKColors.Magenta, SKColors.Cyan, SKColors.Orange, SKColors.Lime, SKColors.White];

    /// <summary>Draws.</summary>
    /// <param name="image">The encoded image.</param>
    /// <param name="regions">Boxes in 0..1 of it.</param>
    /// <returns>A PNG; its longer side has 480 to 1,024 pixels.</returns>
    /// <exception cref="ImageDecodeException">The bytes are no image, or it is over the limits.</exception>
    public static byte[] Draw(ReadOnlyMemory<byte> image, IReadOnlyList<GroundedRegion> regions)
    {
        ArgumentNullException.ThrowIfNull(regions);
        var decoded = ImageDecoder.Decode(image);
        var longer = Math.Max(decoded.Width, decoded.Height);
        var scale = longer > MaxSide ? (double)MaxSide / longer : Math.Max(1, Math.Ceiling((double)MinSide / longer));
        var (width, height) = (Math.Max(1, (int)(decoded.Width * scale)), Math.Max(1, (int)(decoded.Height * scale)));

        using var bitmap = Bitmap(decoded);
        using var surface = SKSurface.Create(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        surface.Canvas.DrawBitmap(bitmap, SKRect.Create(width, height),
            new SKSamplingOptions(scale < 1 ? SKFilterMode.Linear : SKFilterMode.Nearest), null);
        for (var i = 0; i < regions.Count; i++) DrawBox(surface.Canvas, regions[i].Label ?? $"{i + 1}", regions[i]
            .Box.ToPixels(width, height), Colours[i % Colours.Length]);
        using var drawn = surface.Snapshot();
        using var png = drawn.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static SKBitmap Bitmap(DecodedImage image)
    {
        var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var pixels = bitmap.GetPixelSpan();
        for (int from = 0, to = 0; to < pixels.Length; from += 3, to += 4)
        {
            image.Rgb.AsSpan(from, 3).CopyTo(pixels[to..]);
            pixels[to + 3] = 255;
        }

        return bitmap;
    }

    private static void DrawBox(SKCanvas canvas, string label, System.Drawing.Rectangle box, SKColor colour)
    {
        // A label is a model's or a caller's text: only what the font has, and not longer than the image can bear.
        var text = string.Concat(label.Take(40).Select(c => c is >= ' ' and <= '~' ? c : '?'));
        using var line = new SKPaint { Color = colour, IsStroke = true, StrokeWidth = 3 };
        canvas.DrawRect(SKRect.Create(box.X, box.Y, box.Width, box.Height), line);
        var (width, height) = (PixelFont.Measure(text, TextScale) + 6, PixelFont.Height * TextScale + 6);
        var top = Math.Max(0, box.Y - height);
        using var back = new SKPaint { Color = colour };
        canvas.DrawRect(SKRect.Create(box.X - 2, top, width, height), back);
        PixelFont.Draw(canvas, text, box.X + 2, top + 3, SKColors.Black, TextScale);
    }
}
