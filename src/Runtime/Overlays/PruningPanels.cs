using D2Pruner.AI.Runtime.Imaging;
using SkiaSharp;

namespace D2Pruner.AI.Runtime.Overlays;

/// <summary>
/// An image with what pruning did to it: kept and dropped tokens, and heat maps of the last prompt token's attention, of the positional
/// prior and of their quotient. One row of panels per grid of the layout, each where it lies on the image.
/// </summary>
public static class PruningPanels
{
    private const int Gap = 8;
    private const int Header = 20;
    private const int Footer = 34;
    private const int MinSide = 240;
    private const int MaxSide = 480;

    // A perceptual ramp from dark blue over green to yellow.
    private static readonly SKColor[] Ramp = [new(24, 15, 80), new(52, 72, 140), new(35, 130, 140), new(80, 185, 100), new(250, 230, 50)];

    /// <summary>Draws the panels.</summary>
    /// <param name="image">The original image.</param>
    /// <param name="pruning">What was done to it, with scores (<see cref="VisionRequest.IncludeScores"/>); without
    /// scores only the first panel is drawn.</param>
    /// <param name="prefill">The prefill it belongs to, for the captions; null for none.</param>
    /// <param name="boxes">Boxes of the answer, in pixels of the original; drawn over the kept tokens. Null for none.</param>
    /// <returns>A PNG.</returns>
    /// <exception cref="ArgumentException">The image has another size than the one that was pruned.</exception>
    public static byte[] Render(
        DecodedImage image, ImagePruning pruning, PrefillSummary? prefill = null, IReadOnlyList<PixelBox>? boxes = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(pruning);
        if ((image.Width, image.Height) != (pruning.Width, pruning.Height))
            throw new ArgumentException(
                $"The image is {image.Width}x{image.Height}, the pruned one was {pruning.Width}x{pruning.Height}.", nameof(image));
        using var colours = InColour(image);
        using var grey = Grey(image);
        var scale = Scale(image);
        var (w, h) = ((int)(image.Width * scale), (int)(image.Height * scale));
        var panels = Panels(pruning);
        var grids = pruning.Layout.Components;
        using var surface = SKSurface.Create(
            new SKImageInfo(Gap + panels.Count * (w + Gap), grids.Count * (Header + h + Gap) + Footer, SKColorType.Rgba8888,
                SKAlphaType.Opaque));
        var canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        var start = 0;
        for (var g = 0; g < grids.Count; g++)
        {
            var top = g * (Header + h + Gap);
            for (var p = 0; p < panels.Count; p++)
            {
                var left = Gap + p * (w + Gap);
                PixelFont.Draw(canvas, grids.Count > 1 ? $"{grids[g].Name}: {panels[p].Title}"
                    : panels[p].Title, left, top + 6, SKColors.Black);
                var target = SKRect.Create(left, top + Header, w, h);
                if (panels[p].Values is { } values) DrawHeat(canvas, grey, target, pruning, g, values.AsSpan(start, grids[g].Count), scale);
                else DrawKept(canvas, colours, target, pruning, g, start, scale, boxes ?? []);
            }

            start += grids[g].Count;
        }

        DrawLegend(canvas, pruning, prefill, grids.Count * (Header + h + Gap), panels.Count > 1);
        using var snapshot = surface.Snapshot();
        using var png = snapshot.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static List<(string Title, float[]? Values)> Panels(ImagePruning pruning)
    {
        List<(string, float[]?)> panels = [("kept tokens bright", null)];
        if (pruning.Attention is not { } attention) return panels;
        var prior = pruning.PriorMap ?? [.. Enumerable.Repeat(1f, attention.Length)];
        panels.Add(("attention", attention));
        panels.Add((pruning.PriorMap is null ? "prior (uniform)" : "prior", prior));
        panels.Add(("relative attention", [.. attention.Zip(prior, (a, b) => a / (b + 1e-7f))]));
        return panels;
    }

    private static float Scale(DecodedImage image)
    {
        var longest = Math.Max(image.Width, image.Height);
        return longest < MinSide ? (float)MinSide / longest : longest > MaxSide ? (float)MaxSide / longest : 1;
    }

    private static void DrawKept(
        SKCanvas canvas, SKImage image, SKRect target, ImagePruning pruning, int grid, int start, float scale,
        IReadOnlyList<PixelBox> boxes)
    {
        canvas.DrawImage(image, target, SKSamplingOptions.Default);
        using var shade = new SKPaint { Color = new SKColor(0, 0, 0, 191) };
        canvas.Save();
        canvas.ClipRect(target);
        canvas.SaveLayer();
        canvas.DrawRect(target, shade);
        using var clear = new SKPaint { BlendMode = SKBlendMode.Clear };
        var kept = pruning.Kept.ToHashSet();
        Cells(pruning, grid, (index, cell) =>
        {
            if (kept.Contains(start + index)) canvas.DrawRect(Place(cell, target, scale), clear);
        });
        canvas.Restore();
        using var line = new SKPaint { Color = SKColors.Magenta, IsStroke = true, StrokeWidth = 3 };
        foreach (var box in boxes) canvas.DrawRect(Place(box, target, scale), line);
        canvas.Restore();
    }

    private static void DrawHeat(
        SKCanvas canvas, SKImage grey, SKRect target, ImagePruning pruning, int grid, ReadOnlySpan<float> values, float scale)
    {
        canvas.DrawImage(grey, target, SKSamplingOptions.Default);
        // Ranks, not values: a few sinks would leave the rest of the map dark.
        var copy = values.ToArray();
        var order = Enumerable.Range(0, copy.Length).OrderBy(i => copy[i]).ToArray();
        var rank = new float[copy.Length];
        for (var i = 0; i < order.Length; i++)
            rank[order[i]] = i > 0 && copy[order[i]] == copy[order[i - 1]] ? rank[order[i - 1]] : i / (float)Math.Max(1, order.Length - 1);
        canvas.Save();
        canvas.ClipRect(target);
        using var paint = new SKPaint();
        Cells(pruning, grid, (index, cell) =>
        {
            paint.Color = Colour(rank[index]).WithAlpha(190);
            canvas.DrawRect(Place(cell, target, scale), paint);
        });
        canvas.Restore();
    }

    private static void DrawLegend(SKCanvas canvas, ImagePruning pruning, PrefillSummary? prefill, int top, bool heat)
    {
        var text = $"{pruning.Kept.Length} of {pruning.VisualTokens} visual tokens kept";
        if (prefill?.Pruning is { } p)
            text += $", {p.Method}, K = {p.LayersBeforePruning}{(p.Parameters.ContainsKey("alpha") ? $", alpha = {p.Alpha:0.##}" : "")}, " +
                $"prior: {prefill.Prior ?? "none"}";
        PixelFont.Draw(canvas, text, Gap, top + 4, SKColors.Black);
        if (!heat) return;
        using var paint = new SKPaint();
        for (var i = 0; i < 120; i++)
        {
            paint.Color = Colour(i / 119f);
            canvas.DrawRect(Gap + i, top + 18, 1, 10, paint);
        }

        PixelFont.Draw(canvas, "lowest to highest rank within a map", Gap + 128, top + 20, SKColors.Black);
    }

    private static void Cells(ImagePruning pruning, int grid, Action<int, PixelBox> visit)
    {
        var component = pruning.Layout.Components[grid];
        for (var r = 0; r < component.Rows; r++)
        {
            for (var c = 0; c < component.Columns; c++) visit(r * component.Columns + c, pruning.Map.Cell(grid, r, c));
        }
    }

    private static SKRect Place(PixelBox cell, SKRect target, float scale) => new(
        target.Left + (float)cell.Left * scale, target.Top + (float)cell.Top * scale, target.Left + (float)cell.Right * scale,
            target.Top + (float)cell.Bottom * scale);

    private static SKColor Colour(float t)
    {
        var at = Math.Clamp(t, 0, 1) * (Ramp.Length - 1);
        var i = Math.Min((int)at, Ramp.Length - 2);
        byte Mix(byte a, byte b) => (byte)(a + (b - a) * (at - i));
        return new SKColor(Mix(Ramp[i].Red, Ramp[i + 1].Red), Mix(Ramp[i].Green, Ramp[i + 1].Green), Mix(Ramp[i].Blue, Ramp[i + 1].Blue));
    }

    private static SKImage InColour(DecodedImage image) => FromRgb(image, (r, g, b) => (r, g, b));

    private static SKImage Grey(DecodedImage image) =>
        FromRgb(image, (r, g, b) => ((byte)((r + g + b) / 3), (byte)((r + g + b) / 3), (byte)((r + g + b) / 3)));

    private static SKImage FromRgb(DecodedImage image, Func<byte, byte, byte, (byte, byte, byte)> map)
    {
        var rgba = new byte[image.Width * image.Height * 4];
        for (int i = 0, s = 0; i < rgba.Length; i += 4, s += 3)
        {
            (rgba[i], rgba[i + 1], rgba[i + 2]) = map(image.Rgb[s], image.Rgb[s + 1], image.Rgb[s + 2]);
            rgba[i + 3] = 255;
        }

        return SKImage.FromPixelCopy(
            new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), rgba, image.Width * 4);
    }
}
