using D2Pruner.AI.Runtime.Overlays;
using SkiaSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

public sealed class PixelFontTests
{
    [Theory]
    [InlineData("gpqy", true)]
    [InlineData("abcdefhiklmnorstuvwxzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789", false)]
    public void Descenders_ReachBelowTheLine(string letters, bool below)
    {
        foreach (var letter in letters)
        {
            using var bitmap = new SKBitmap(PixelFont.Advance, PixelFont.Height + PixelFont.Descent);
            using var canvas = new SKCanvas(bitmap);
            canvas.Clear(SKColors.White);
            PixelFont.Draw(canvas, letter.ToString(), 0, 0, SKColors.Black);
            var rows = Enumerable.Range(0, bitmap.Height)
                .Select(y => Enumerable.Range(0, bitmap.Width).Any(x => bitmap.GetPixel(x, y) == SKColors.Black)).ToArray();
            Assert.True(rows[..PixelFont.Height].Any(r => r), $"{letter} is empty");
            Assert.Equal(below, rows[PixelFont.Height..].Any(r => r));
        }
    }
}
