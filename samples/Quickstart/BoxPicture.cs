using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Overlays;
using D2Pruner.AI.Runtime.Imaging;
using SkiaSharp;

namespace D2Pruner.AI.Samples;

/// <summary>Draws boxes with labels over a picture whose dropped tokens are dimmed. (The same file in several samples, so that each
/// can be copied out alone.)</summary>
internal static class BoxPicture
{
    // Small pictures are enlarged, so that labels can be read.
    private const int MinSide = 672;

    private static readonly SKColor[] Colours = [SKColors.Magenta, SKColors.Cyan, SKColors.Orange, SKColors.Lime, SKColors.White];

    /// <summary>Draws.</summary>
    /// <param name="picture">The encoded original.</param>
    /// <param name="seen">What was kept of it, or null to dim nothing.</param>
    /// <param name="boxes">Boxes in 0..1 of the original.</param>
    /// <returns>A PNG.</returns>
    public static byte[] Draw(byte[] picture, PrunedImageReport? seen, IReadOnlyList<(string Label, BoundingBox Box)> boxes)
    {
        var decoded = ImageDecoder.Decode(picture);
        var areas = seen is null ? [new BoundingBox(0, 0, 1, 1)] : seen.Kept.Select(seen.AreaOf);
        var dimmed = TokenOverlay.Render(
            decoded, areas.Select(a =>
                new PixelBox(a.Left * decoded.Width, a.Top * decoded.Height, a.Right * decoded.Width, a.Bottom * decoded.Height)));

        using var bitmap = SKBitmap.Decode(dimmed);
        var scale = Math.Max(1, (int)Math.Ceiling((double)MinSide / Math.Max(decoded.Width, decoded.Height)));
        using var surface = SKSurface.Create(
            new SKImageInfo(decoded.Width * scale, decoded.Height * scale, SKColorType.Rgba8888, SKAlphaType.Opaque));
        surface.Canvas.DrawBitmap(
            bitmap, SKRect.Create(decoded.Width * scale, decoded.Height * scale), new SKSamplingOptions(SKFilterMode.Nearest), null);
        for (var i = 0; i < boxes.Count; i++)
            DrawBox(surface.Canvas, boxes[i].Label, boxes[i].Box.ToPixels(decoded.Width * scale, decoded.Height * scale),
                Colours[i % Colours.Length]);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static void DrawBox(SKCanvas canvas, string label, System.Drawing.Rectangle box, SKColor colour)
    {
        const int scale = 2;
        using var line = new SKPaint { Color = colour, IsStroke = true, StrokeWidth = 4 };
        canvas.DrawRect(SKRect.Create(box.X, box.Y, box.Width, box.Height), line);
        var (width, height) = (PixelFont.Measure(label, scale) + 6, (PixelFont.Height + PixelFont.Descent) * scale + 6);
        var top = Math.Max(0, box.Y - height);
        using var back = new SKPaint { Color = colour };
        canvas.DrawRect(SKRect.Create(box.X - 2, top, width, height), back);
        PixelFont.Draw(canvas, label, box.X + 2, top + 3, SKColors.Black, scale);
    }
}
