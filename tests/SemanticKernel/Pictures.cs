using System.Security.Cryptography;
using SkiaSharp;

namespace D2Pruner.AI.Tests.SemanticKernel;

/// <summary>Small pictures that differ.</summary>
internal static class Pictures
{
    public static byte[] Png(byte red)
    {
        using var bitmap = new SKBitmap(200, 100);
        bitmap.Erase(new SKColor(red, 80, 120));
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>The id that an image of a conversation has.</summary>
    public static string IdOf(byte[] image) => "attachment-" + Convert.ToHexStringLower(SHA256.HashData(image))[..16];
}
