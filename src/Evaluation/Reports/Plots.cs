using System.Globalization;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Overlays;
using SkiaSharp;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>PNG plots with the repository's own font, the same on every machine.</summary>
internal static class Plots
{
    private const int Width = 900;
    private const int Height = 520;
    private const int Left = 70;
    private const int Right = 190;
    private const int Top = 40;
    private const int Bottom = 60;

    private static readonly SKColor[] Colours =
    [
        new(214, 39, 40), new(31, 119, 180), new(44, 160, 44), new(255, 127, 14), new(148, 103, 189), new(140, 86, 75), new(227, 119, 194),
            new(90, 90, 90), new(188, 189, 34),
        new(23, 190, 207), new(0, 0, 0), new(160, 160, 255), new(120, 200, 120), new(220, 180, 120), new(80, 0, 80), new(0, 90, 90),
        new(200, 0, 120), new(120, 120, 0),
    ];

    /// <summary>A name as part of a file's name.</summary>
    public static string FileName(string name) => string.Concat(name.Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' ? c : '-'));

    /// <summary>Retention against kept tokens, a line per method, with the intervals of the accuracies.</summary>
    public static byte[] Retention(EvaluationReport report, string task, int layer)
    {
        var cells = report.Cells.Where(
            c => c.Task == task && c.Layer == layer && c.Method != Condition.UnprunedName && c.Retention is not null).ToArray();
        var series = cells.GroupBy(c => c.Method)
            .Select(g => new Series(g.Key,
                [.. g.OrderBy(c => c.Keep).Select(c => new Point(c.Keep, 100 * c.Retention!.Value, Scale(c, c.Low), Scale(c, c.High)))]))
                .ToArray();
        return Draw($"{task}: % of unpruned, K = {layer}", "visual tokens kept", series, byIndex: true);
        static double Scale(ReportCell c, double v) => c.Accuracy > 0 ? 100 * c.Retention!.Value * v / c.Accuracy : 0;
    }

    /// <summary>Accuracy against K, a line per method.</summary>
    public static byte[] Depth(EvaluationReport report, string task, int keep)
    {
        var cells = report.Cells.Where(c => c.Task == task && c.Keep == keep && c.Method != Condition.UnprunedName);
        var series = cells.GroupBy(c => c.Method)
            .Select(g => new Series(g.Key,
                [.. g.OrderBy(c => c.Layer).Select(c => new Point(c.Layer, 100 * c.Accuracy, 100 * c.Low, 100 * c.High))])).ToArray();
        return Draw($"{task}: accuracy in points, {keep} tokens", "K", series, byIndex: true);
    }

    /// <summary>Accuracy against the measured prefill, a line per method.</summary>
    public static byte[] Time(EvaluationReport report, IReadOnlyList<ConditionTiming> timings, string task, int layer)
    {
        var points = report.Cells.Where(c => c.Task == task && (c.Layer == layer || c.Method == Condition.UnprunedName))
            .Select(c => (Cell: c, Time: timings.FirstOrDefault(
                t => t.Method == c.Method && t.Layer == c.Layer && (t.Keep == c.Keep || c.Method == Condition.UnprunedName))))
            .Where(p => p.Time is not null).ToArray();
        var series = points.GroupBy(p => p.Cell.Method)
            .Select(g => new Series(g.Key,
                [.. g.OrderBy(p => p.Time!.PrefillMs)
                    .Select(p => new Point(p.Time!.PrefillMs, 100 * p.Cell.Accuracy, 100 * p.Cell.Low, 100 * p.Cell.High))])).ToArray();
        return Draw($"{task}: accuracy in points, K = {layer}", "median prefill of the decoder, ms (measured)", series, byIndex: false);
    }

    /// <summary>Images side by side, five a row, with a line above and one below each.</summary>
    public static byte[] Sheet(IReadOnlyList<(byte[] Png, string Title, string Below)> panels, string title)
    {
        const int side = 340, gap = 10, line = 16, most = 5, tall = side + 2 * line + 2 * gap;
        var (columns, rows) = (Math.Min(most, panels.Count), (panels.Count + most - 1) / most);
        using var surface = SKSurface.Create(new SKImageInfo(gap + columns * (side + gap), line + gap + rows * tall));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        PixelFont.Draw(canvas, title, gap, 4, SKColors.Black);
        for (var i = 0; i < panels.Count; i++)
        {
            using var image = SKImage.FromEncodedData(panels[i].Png);
            var (x, y) = (gap + i % most * (side + gap), line + gap + i / most * tall);
            PixelFont.Draw(canvas, Cut(panels[i].Title), x, y, SKColors.Black);
            var scale = (float)side / Math.Max(image.Width, image.Height);
            canvas.DrawImage(image, SKRect.Create(x, y + line, image.Width * scale, image.Height * scale),
                new SKSamplingOptions(SKFilterMode.Linear));
            PixelFont.Draw(canvas, Cut(panels[i].Below), x, y + line + side + 6, SKColors.Black);
        }

        return Encode(surface);
        static string Cut(string text) => text.Length > side / PixelFont.Advance ? text[..(side / PixelFont.Advance - 3)] + "..." : text;
    }

    /// <summary>Maps in colours, blue for a map's least value, yellow for its largest; a column of them for every entry.</summary>
    public static byte[] Maps(IReadOnlyList<IReadOnlyList<MapPanel>> columns)
    {
        const int cell = 10, gap = 14, line = PixelFont.Height + PixelFont.Descent + 4, foot = line + 4;
        var rows = Enumerable.Range(0, columns.Max(c => c.Count)).Select(r => columns.Where(c => c.Count > r).Select(c => c[r]).ToArray())
            .ToArray();
        int Head(int r) => rows[r].Max(m => m.Title.Count) * line + 2;
        int Tall(int r) => Head(r) + rows[r].Max(m => m.Rows) * cell + foot + gap;
        var width = columns.SelectMany(c => c).Max(m => Math.Max(m.Columns * cell, m.Title.Max(t => PixelFont.Measure(t))));
        using var surface = SKSurface.Create(
            new SKImageInfo(gap + columns.Count * (width + gap), gap + Enumerable.Range(0, rows.Length).Sum(Tall)));
        surface.Canvas.Clear(SKColors.White);
        for (var c = 0; c < columns.Count; c++)
        {
            for (var (r, top) = (0, gap); r < columns[c].Count; top += Tall(r++))
                Map(surface.Canvas, columns[c][r], gap + c * (width + gap), top, top + Head(r), cell, line);
        }

        return Encode(surface);
    }

    private static void Map(SKCanvas canvas, MapPanel map, int left, int titleTop, int top, int cell, int line)
    {
        for (var i = 0; i < map.Title.Count; i++) PixelFont.Draw(canvas, map.Title[i], left, titleTop + i * line, SKColors.Black);
        if (map.Values.Count == 0) return;
        var (least, most) = (map.Values.Min(), map.Values.Max());
        using var paint = new SKPaint();
        for (var k = 0; k < map.Rows * map.Columns; k++)
        {
            var v = (byte)(most > least ? 255 * (map.Values[k] - least) / (most - least) : 0);
            paint.Color = new SKColor(v, (byte)(v * 3 / 4), (byte)(255 - v));
            canvas.DrawRect(left + k % map.Columns * cell, top + k / map.Columns * cell, cell, cell, paint);
        }

        PixelFont.Draw(canvas, string.Create(CultureInfo.InvariantCulture, $"{least:0.#####} (blue) to {most:0.#####} (yellow)"), left,
            top + map.Rows * cell + 4, SKColors.Black);
    }

    private static byte[] Draw(string title, string below, Series[] series, bool byIndex)
    {
        using var surface = SKSurface.Create(new SKImageInfo(Width, Height));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        PixelFont.Draw(canvas, title, Left, 10, SKColors.Black, 2);
        PixelFont.Draw(canvas, below, Left, Height - 20, SKColors.Black, 2);
        double[] xs = [.. series.SelectMany(s => s.Points).Select(p => p.X).Distinct().Order()];
        if (xs.Length == 0) return Encode(surface);
        var low = Math.Floor(series.SelectMany(s => s.Points).Min(p => p.Low) / 5) * 5;
        var high = Math.Ceiling(series.SelectMany(s => s.Points).Max(p => p.High) / 5) * 5;
        var step = Math.Max(5, Math.Ceiling((high - low) / 25) * 5); // whole numbers at the lines
        high = low + step * Math.Max(1, Math.Ceiling((high - low) / step));
        float X(double x) => Left + 20
            + (float)((byIndex ? xs.Length == 1 ? 0.5 : (double)Array.IndexOf(xs, x) / (xs.Length - 1)
                : (x - xs[0]) / Math.Max(1e-9, xs[^1] - xs[0])) * (Width - Left - Right - 40));
        float Y(double y) => (float)(Height - Bottom - (y - low) / (high - low) * (Height - Top - Bottom));
        using var paint = new SKPaint { IsAntialias = true, StrokeWidth = 1, Color = new SKColor(210, 210, 210),
            Style = SKPaintStyle.Stroke };
        for (var y = low; y <= high + 1e-9; y += step)
        {
            canvas.DrawLine(Left, Y(y), Width - Right, Y(y), paint);
            PixelFont.Draw(canvas, y.ToString("0.#", CultureInfo.InvariantCulture), 10, (int)Y(y) - 6, SKColors.Black, 2);
        }

        foreach (var x in byIndex || xs.Length < 3 ? xs : [xs[0], xs[^1]])
            PixelFont.Draw(canvas, x.ToString("0.#", CultureInfo.InvariantCulture), (int)X(x) - 12, Height - Bottom + 10,
                SKColors.Black, 2);
        for (var s = 0; s < series.Length; s++)
        {
            paint.Color = Colours[s % Colours.Length];
            var shift = byIndex ? 2 * (s - series.Length / 2) : 0; // so that intervals do not hide each other
            Point? before = null;
            foreach (var p in series[s].Points)
            {
                paint.StrokeWidth = 1;
                canvas.DrawLine(X(p.X) + shift, Y(p.Low), X(p.X) + shift, Y(p.High), paint);
                paint.StrokeWidth = 2;
                canvas.DrawCircle(X(p.X) + shift, Y(p.Y), 3, paint);
                if (before is { } b) canvas.DrawLine(X(b.X) + shift, Y(b.Y), X(p.X) + shift, Y(p.Y), paint);
                before = p;
            }

            var scale = PixelFont.Measure(series[s].Name, 2) > Right - 20 ? 1 : 2; // names with parameters are long
            PixelFont.Draw(canvas, series[s].Name, Width - Right + 10, Top + 18 * s, paint.Color, scale);
        }

        return Encode(surface);
    }

    private static byte[] Encode(SKSurface surface)
    {
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private readonly record struct Point(double X, double Y, double Low, double High);

    private sealed record Series(string Name, Point[] Points);
}
