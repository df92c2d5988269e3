using SkiaSharp;

namespace D2Pruner.AI.Samples.Quickstart;

/// <summary>A drawn picture, so that the sample needs no file.</summary>
internal static class SamplePicture
{
    public static byte[] Draw()
    {
        using var surface = SKSurface.Create(new SKImageInfo(480, 360));
        var canvas = surface.Canvas;
        canvas.Clear(new SKColor(200, 214, 229));
        using var paint = new SKPaint { IsAntialias = true };
        paint.Color = new SKColor(96, 140, 96);
        canvas.DrawRect(0, 250, 480, 110, paint);
        paint.Color = new SKColor(200, 40, 40);
        canvas.DrawCircle(130, 180, 60, paint);
        paint.Color = new SKColor(40, 70, 190);
        canvas.DrawRect(270, 150, 110, 110, paint);
        paint.Color = new SKColor(240, 200, 40);
        canvas.DrawCircle(400, 70, 36, paint);
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
