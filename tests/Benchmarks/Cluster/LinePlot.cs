using System.Globalization;
using D2Pruner.AI.Runtime.Overlays;
using SkiaSharp;

namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>Lines over steps of equal width, with the repository's own font, the same on every machine.</summary>
internal static class LinePlot
{
    private const int Width = 900;
    private const int Height = 420;
    private const int Left = 90;
    private const int Right = 240;
    private const int Top = 50;
    private const int Bottom = 60;

    private static readonly SKColor[] Colours =
        [new(31, 119, 180), new(214, 39, 40), new(44, 160, 44), new(255, 127, 14), new(148, 103, 189), new(90, 90, 90)];

    public static byte[] Draw(
        string title, string below, IReadOnlyList<string> steps, IReadOnlyList<(string Name, double[] Values)> lines, double least,
        double most)
    {
        using var surface = SKSurface.Create(new SKImageInfo(Width, Height));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        PixelFont.Draw(canvas, title, Left, 12, SKColors.Black, 2);
        PixelFont.Draw(canvas, below, Left, Height - 22, SKColors.Black, 2);
        float X(int i) => Left + (float)i / Math.Max(1, steps.Count - 1) * (Width - Left - Right);
        float Y(double y) => (float)(Height - Bottom - (Math.Clamp(y, least, most) - least) / (most - least) * (Height - Top - Bottom));
        using var paint = new SKPaint
        {
            IsAntialias = true, StrokeWidth = 1, Color = new SKColor(210, 210, 210), Style = SKPaintStyle.Stroke,
        };
        for (var i = 0; i <= 4; i++)
        {
            var y = least + (most - least) * i / 4;
            canvas.DrawLine(Left, Y(y), Width - Right, Y(y), paint);
            PixelFont.Draw(canvas, y.ToString("0.###", CultureInfo.InvariantCulture), 10, (int)Y(y) - 6, SKColors.Black, 2);
        }

        for (var i = 0; i < steps.Count; i++) PixelFont.Draw(canvas, steps[i], (int)X(i) - 10, Height - Bottom + 10, SKColors.Black, 2);
        paint.StrokeWidth = 2;
        for (var line = 0; line < lines.Count; line++)
        {
            paint.Color = Colours[line % Colours.Length];
            var values = lines[line].Values;
            for (var i = 0; i < values.Length; i++)
            {
                canvas.DrawCircle(X(i), Y(values[i]), 3, paint);
                if (i > 0) canvas.DrawLine(X(i - 1), Y(values[i - 1]), X(i), Y(values[i]), paint);
            }

            PixelFont.Draw(canvas, lines[line].Name, Width - Right + 14, Top + 22 * line, paint.Color, 2);
        }

        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
