using D2Pruner.AI.Runtime.Overlays;
using System.Text.Json;
using D2Pruner.AI.Runtime.Imaging;
using SkiaSharp;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Draws a run's measures against minutes: panels for accuracies, losses, and gradient norms
/// per module (before clipping).</summary>
internal static class Curves
{
    private const int Width = 1100;
    private const int Panel = 380;
    private const double MaxLoss = 6;
    private const double MaxNorm = 40;
    private static readonly SKColor[] Colours =
    [
        new(214, 39, 40), new(31, 119, 180), new(44, 160, 44), new(255, 127, 14), new(148, 103, 189), new(140, 86, 75), new(227, 119, 194),
            new(90, 90, 90), new(188, 189, 34), new(23, 190, 207), new(0, 0, 0),
    ];

    public static byte[] Draw(IReadOnlyList<JsonElement> rows)
    {
        using var surface = SKSurface.Create(new SKImageInfo(Width, 3 * Panel));
        surface.Canvas.Clear(SKColors.White);
        Series(surface.Canvas, rows, 0, "accuracy (1 = all right)", n => n.StartsWith("acc.", StringComparison.Ordinal)
            || n.StartsWith("patch.", StringComparison.Ordinal) || n is "centre.iou50" or "centre.shape");
        Series(surface.Canvas, rows, Panel, "loss", n => n.StartsWith("loss.", StringComparison.Ordinal));
        Series(surface.Canvas, rows, 2 * Panel, "gradient norm", n => n.StartsWith("norm.", StringComparison.Ordinal), MaxNorm);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static void Series(
        SKCanvas canvas, IReadOnlyList<JsonElement> rows, int top, string title, Func<string, bool> chosen, double most = MaxLoss)
    {
        string[] names = [.. rows.SelectMany(r => r.EnumerateObject().Select(p => p.Name)).Where(chosen).Distinct()
            .Order(StringComparer.Ordinal)];
        if (names.Length == 0) return;
        var minutes = Math.Max(1, rows.Max(r => r.GetProperty("minutes").GetDouble()));
        var highest = Math.Max(1, rows.Max(r => names.Max(n => r.TryGetProperty(n, out var v) ? Math.Min(v.GetDouble(), most) : 0)));
        using var paint = new SKPaint { IsAntialias = true, Color = SKColors.Black, StrokeWidth = 1 };
        PixelFont.Draw(canvas, $"{title}, over {minutes:0} minutes; axis 0..{highest:0.0}", 50, top + 8, SKColors.Black, 2);
        canvas.DrawLine(50, top + Panel - 30, Width - 230, top + Panel - 30, paint);
        canvas.DrawLine(50, top + 26, 50, top + Panel - 30, paint);
        float X(double m) => (float)(50 + m / minutes * (Width - 280));
        float Y(double v) => (float)(top + Panel - 30 - Math.Min(v, highest) / highest * (Panel - 60));
        for (var i = 0; i < names.Length; i++)
        {
            paint.Color = Colours[i % Colours.Length];
            using var path = new SKPathBuilder();
            var (smooth, begun) = (double.NaN, false);
            foreach (var row in rows)
            {
                if (!row.TryGetProperty(names[i], out var value)) continue;
                smooth = double.IsNaN(smooth) ? value.GetDouble() : 0.8 * smooth + 0.2 * value.GetDouble();
                var (x, y) = (X(row.GetProperty("minutes").GetDouble()), Y(smooth));
                if (begun) path.LineTo(x, y);
                else path.MoveTo(x, y);
                begun = true;
            }

            paint.Style = SKPaintStyle.Stroke;
            using var line = path.Detach();
            canvas.DrawPath(line, paint);
            paint.Style = SKPaintStyle.Fill;
            PixelFont.Draw(canvas, $"{names[i]} {smooth:0.00}", Width - 220, top + 34 + 17 * i, paint.Color);
        }
    }
}
