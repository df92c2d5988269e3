using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

public sealed class ImageDecoderTests
{
    [Fact]
    public void SixteenBitSamples_KeepTheirHighByte()
    {
        var rgb = TestPng.Write(2, 1, 16, 2, [[0x12, 0xFF, 0x34, 0x80, 0x56, 0x00, 0xFF, 0xFF, 0x00, 0xFF, 0x7F, 0xFF]]);
        Assert.Equal([0x12, 0x34, 0x56, 0xFF, 0x00, 0x7F], ImageDecoder.Decode(rgb).Rgb);
    }

    // As colour does. Pillow clips plain grey at 255, of which a photograph becomes a white sheet.
    [Theory]
    [InlineData(0, new byte[] { 0x12, 0xFF, 0x80, 0x00, 0x01, 0xFF })]
    [InlineData(4, new byte[] { 0x12, 0xFF, 0xFF, 0xFF, 0x80, 0x00, 0xFF, 0xFF, 0x01, 0xFF, 0xFF, 0xFF })]
    public void SixteenBitGrey_KeepsItsHighByte(byte colourType, byte[] row)
    {
        var image = ImageDecoder.Decode(TestPng.Write(3, 1, 16, colourType, [row]));
        Assert.Equal([0x12, 0x12, 0x12, 0x80, 0x80, 0x80, 0x01, 0x01, 0x01], image.Rgb);
    }

    [Theory]
    [InlineData(1, new byte[] { 10, 20, 30, 40, 50, 60 }, 3)]
    [InlineData(2, new byte[] { 30, 20, 10, 60, 50, 40 }, 3)]
    [InlineData(3, new byte[] { 60, 50, 40, 30, 20, 10 }, 3)]
    [InlineData(4, new byte[] { 40, 50, 60, 10, 20, 30 }, 3)]
    [InlineData(5, new byte[] { 10, 40, 20, 50, 30, 60 }, 2)]
    [InlineData(6, new byte[] { 40, 10, 50, 20, 60, 30 }, 2)]
    [InlineData(7, new byte[] { 60, 30, 50, 20, 40, 10 }, 2)]
    [InlineData(8, new byte[] { 30, 60, 20, 50, 10, 40 }, 2)]
    public void Orientation_IsApplied(byte orientation, byte[] expected, int width)
    {
        var image = ImageDecoder.Decode(TestPng.Write(3, 2, 8, 0, [[10, 20, 30], [40, 50, 60]], TestPng.Orientation(orientation)));
        Assert.Equal((width, 6 / width), (image.Width, image.Height));
        Assert.Equal(expected, image.Rgb.Where((_, i) => i % 3 == 0));
    }

    [Theory]
    [InlineData(new byte[] { (byte)'M', (byte)'M', 0, 42, 0xFF, 0xFF, 0xFF, 0xFF, 0, 1 })]
    [InlineData(new byte[] { (byte)'M', (byte)'M', 0, 42, 0xFF, 0xFF, 0xFF, 0xFE, 0, 1 })]
    [InlineData(new byte[] { (byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0 })]
    [InlineData(new byte[] { (byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0, 0xFF, 0xFF, 1 })]
    [InlineData(new byte[] { 1, 2, 3 })]
    public void DamagedExif_IsIgnored(byte[] exif)
    {
        var image = ImageDecoder.Decode(TestPng.Write(3, 2, 8, 0, [[10, 20, 30], [40, 50, 60]], exif));
        Assert.Equal((3, 2, 10), (image.Width, image.Height, image.Rgb[0]));
    }

    // Pillow gives a transparent pixel its palette's colour; a file that breaks off before it is not read beyond its end.
    [Fact]
    public void TransparentGif_HasItsPalettesColour()
    {
        byte[] gif =
        [
            .. "GIF89a"u8, 1, 0, 1, 0, 0x80, 0, 0, // one pixel, a palette of two colours
            10, 20, 30, 40, 50, 60,
            0x21, 0xFE, 2, (byte)'h', (byte)'i', 0, // a comment
            0x21, 0xF9, 4, 1, 0, 0, 0, 0, // colour 0 is transparent
            0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0,
            2, 2, 0x44, 0x01, 0, // codes of three bits: clear, 0, end
            0x3B,
        ];
        byte[] before = [.. gif];
        var image = ImageDecoder.Decode(gif);
        Assert.Equal((1, 1), (image.Width, image.Height));
        Assert.Equal([10, 20, 30], image.Rgb);
        Assert.Equal(before, gif);
        for (var n = 0; n < gif.Length; n++)
        {
            var part = gif[..n];
            var e = Record.Exception(() => ImageDecoder.Decode(part));
            Assert.True(e is null or ImageDecodeException, e?.ToString());
        }
    }

    [Fact]
    public void Limits_AreCheckedBeforeDecoding()
    {
        var file = TestPng.Write(3, 2, 8, 0, [[10, 20, 30], [40, 50, 60]]);
        Assert.Equal(3, ImageDecoder.Decode(file, new ImageLimits(6, file.Length)).Width);
        Assert.Contains("3x2", Assert.Throws<ImageDecodeException>(() => ImageDecoder.Decode(file, new ImageLimits(5))).Message);
        Assert.Contains($"{file.Length} bytes",
            Assert.Throws<ImageDecodeException>(() => ImageDecoder.Decode(file, new ImageLimits(MaxBytes: file.Length - 1))).Message);
    }

    [Fact]
    public void EveryCut_DecodesOrEndsInTheTypedError()
    {
        var file = TestPng.Write(3, 2, 8, 0, [[10, 20, 30], [40, 50, 60]], [(byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8, 0, 0]);
        var refused = 0;
        for (var length = 0; length < file.Length; length++)
        {
            try
            {
                ImageDecoder.Decode(file.AsMemory(0, length));
            }
            catch (ImageDecodeException)
            {
                refused++;
            }
        }

        Assert.True(refused > file.Length / 2, $"{refused} of {file.Length} cuts refused");
    }
}
