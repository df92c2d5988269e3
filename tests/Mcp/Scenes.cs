using SkiaSharp;

namespace D2Pruner.AI.Tests.Mcp;

/// <summary>A picture of the demo model's world.</summary>
internal static class Scenes
{
    /// <summary>336x336: a red circle around (90, 100), 68 pixels wide, and a blue square around (240, 90).</summary>
    public static byte[] Shapes()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(336, 336, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(new SKColor(186, 190, 196));
        using var red = new SKPaint { Color = new SKColor(214, 36, 36) };
        using var blue = new SKPaint { Color = new SKColor(38, 68, 214) };
        canvas.DrawCircle(90, 100, 34, red);
        canvas.DrawRect(SKRect.Create(223, 73, 34, 34), blue);
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
