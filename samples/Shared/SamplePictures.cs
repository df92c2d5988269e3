using D2Pruner.AI.Runtime.Overlays;
using D2Pruner.AI.Runtime.Imaging;
using SkiaSharp;

namespace D2Pruner.AI.Samples;

/// <summary>Two drawn pictures, so that the samples need no files.</summary>
internal static class SamplePictures
{
    private const int Side = 336;

    private static readonly SKColor Red = new(214, 36, 36);
    private static readonly SKColor Green = new(36, 158, 52);
    private static readonly SKColor Blue = new(38, 68, 214);
    private static readonly SKColor Yellow = new(236, 216, 40);

    /// <summary>A big red circle left, a small blue square right of it, a yellow triangle below, and a plate with 42.</summary>
    public static byte[] Shapes() => Draw(canvas =>
    {
        Circle(canvas, 90, 100, 34, Red);
        Square(canvas, 240, 90, 17, Blue);
        Triangle(canvas, 170, 235, 32, Yellow);
        Plate(canvas, "42", 30, 270);
    });

    /// <summary>The same with a green circle instead of the red one, and without the triangle.</summary>
    public static byte[] Changed() => Draw(canvas =>
    {
        Circle(canvas, 90, 100, 34, Green);
        Square(canvas, 240, 90, 17, Blue);
        Plate(canvas, "42", 30, 270);
    });

    private static byte[] Draw(Action<SKCanvas> draw)
    {
        using var surface = SKSurface.Create(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque));
        surface.Canvas.Clear(new SKColor(186, 190, 196));
        draw(surface.Canvas);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static void Circle(SKCanvas canvas, float x, float y, float radius, SKColor colour)
    {
        using var paint = new SKPaint { Color = colour };
        canvas.DrawCircle(x, y, radius, paint);
    }

    private static void Square(SKCanvas canvas, float x, float y, float radius, SKColor colour)
    {
        using var paint = new SKPaint { Color = colour };
        canvas.DrawRect(SKRect.Create(x - radius, y - radius, 2 * radius, 2 * radius), paint);
    }

    // Row by row: the same pixels with every version of the drawing library.
    private static void Triangle(SKCanvas canvas, float x, float y, int radius, SKColor colour)
    {
        using var paint = new SKPaint { Color = colour };
        for (var row = 0; row < 2 * radius; row++) canvas.DrawRect(SKRect.Create(x - row / 2f, y - radius + row, row + 1, 1), paint);
    }

    private static void Plate(SKCanvas canvas, string digits, float x, float y)
    {
        const int scale = 3;
        using var paper = new SKPaint { Color = new SKColor(245, 245, 245) };
        canvas.DrawRect(SKRect.Create(x, y, PixelFont.Measure(digits, scale) + 7, PixelFont.Height * scale + 10), paper);
        PixelFont.Draw(canvas, digits, x + 5, y + 5, new SKColor(20, 20, 20), scale);
    }
}
