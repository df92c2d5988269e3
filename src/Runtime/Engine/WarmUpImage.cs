using SkiaSharp;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>A drawn image of 224x224 pixels.</summary>
internal static class WarmUpImage
{
    public static byte[] Draw()
    {
        using var bitmap = new SKBitmap(224, 224);
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(SKColors.LightGray);
            using var paint = new SKPaint { Color = SKColors.SteelBlue };
            canvas.DrawCircle(112, 112, 60, paint);
        }

        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
