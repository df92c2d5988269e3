using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Tests.SemanticKernel;
using SkiaSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Agents;

public sealed class ImageCropTests
{
    // 1000x600: each pixel's red and green tell where it is.
    private static byte[] Wide()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(1000, 600, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (var y = 0; y < 600; y++)
        {
            for (var x = 0; x < 1000; x++) bitmap.SetPixel(x, y, new SKColor((byte)(x / 4), (byte)(y / 4), 0));
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    [Theory]
    [InlineData(0.49f, 0.49f, 0.51f, 0.51f, 332, 132, 336, 336)] // small: the smallest side
    [InlineData(0.3f, 0.3f, 0.7f, 0.7f, 100, 0, 800, 600)]       // 400x240: 800 wide, cut to the image's height
    [InlineData(0.0f, 0.0f, 0.02f, 0.02f, 0, 0, 336, 336)]       // in a corner: moved inside
    [InlineData(0.98f, 0.98f, 1f, 1f, 664, 264, 336, 336)]
    [InlineData(0f, 0f, 1f, 1f, 0, 0, 1000, 600)]
    public void ACrop_IsAroundTheBox_AndInsideTheImage(float left, float top, float right, float bottom, int x, int y, int width,
        int height)
    {
        var crop = ImageDecoder.Decode(ImageCrop.Around(Wide(), new BoundingBox(left, top, right, bottom)));
        Assert.Equal((width, height), (crop.Width, crop.Height));
        Assert.Equal(((byte)(x / 4), (byte)(y / 4)), (crop.Rgb[0], crop.Rgb[1]));
        Assert.Equal(((byte)((x + width - 1) / 4), (byte)((y + height - 1) / 4)), (crop.Rgb[^3], crop.Rgb[^2]));
    }

    [Fact]
    public void ASmallImage_StaysWhole()
    {
        var crop = ImageDecoder.Decode(ImageCrop.Around(Pictures.Png(5), new BoundingBox(0.1f, 0.1f, 0.2f, 0.2f)));
        Assert.Equal((200, 100), (crop.Width, crop.Height));
    }

    [Fact]
    public void BadNumbersAndBytes_AreRefused()
    {
        var box = new BoundingBox(0, 0, 1, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageCrop.Around(Pictures.Png(5), box, scale: 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageCrop.Around(Pictures.Png(5), box, scale: double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageCrop.Around(Pictures.Png(5), box, minSide: 0));
        Assert.Throws<ImageDecodeException>(() => ImageCrop.Around("text"u8.ToArray(), box));
    }

    [Fact]
    public void Overlays_AreOfAFitSize()
    {
        var small = ImageDecoder.Decode(BoxOverlay.Draw(Pictures.Png(5), []));
        Assert.Equal((600, 300), (small.Width, small.Height));
        using var huge = new SKBitmap(3000, 100);
        using var data = huge.Encode(SKEncodedImageFormat.Png, 100);
        var shrunk = ImageDecoder.Decode(BoxOverlay.Draw(data.ToArray(),
            [new GroundedRegion(new string('界', 500), new BoundingBox(0.5f, 0.5f, 1, 1), 0, null, null)]));
        Assert.Equal((1024, 34), (shrunk.Width, shrunk.Height));
    }
}
