using SkiaSharp;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>A picture of 64x48 pixels.</summary>
internal static class TinyPng
{
    public static byte[] Bytes { get; } = Draw(SKColors.Red);

    public static byte[] Draw(SKColor color, int width = 64, int height = 48)
    {
        using var bitmap = new SKBitmap(width, height);
        bitmap.Erase(color);
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
