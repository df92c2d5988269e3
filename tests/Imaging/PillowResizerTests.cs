using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

public sealed class PillowResizerTests
{
    [Theory]
    [InlineData(ResampleFilter.Nearest)]
    [InlineData(ResampleFilter.Lanczos)]
    [InlineData(ResampleFilter.Bilinear)]
    [InlineData(ResampleFilter.Bicubic)]
    internal void OneColour_StaysThatColour(ResampleFilter filter)
    {
        foreach (var (w, h, nw, nh) in new[] { (37, 91, 64, 48), (200, 10, 13, 7), (2, 2, 57, 31), (1, 40, 5, 20) })
        {
            var rgb = Enumerable.Range(0, w * h * 3).Select(i => (byte)(i % 3 * 127)).ToArray();
            Assert.Equal(Enumerable.Range(0, nw * nh * 3).Select(i => (byte)(i % 3 * 127)),
                PillowResizer.Resize(rgb, w, h, nw, nh, filter));
        }
    }

    [Fact]
    public void Nearest_TakesThePixelUnderTheCentre() =>
        Assert.Equal([10, 10, 20, 30, 30], Grey(PillowResizer.Resize(Pixels(10, 20, 30), 3, 1, 5, 1, ResampleFilter.Nearest)));

    // Weights by hand: centres 0.25, 0.75, 1.25, 1.75 of two pixels; 0.75 and 0.25 where both are in reach, the edge alone elsewhere.
    [Fact]
    public void Bilinear_DoublesByQuarters() =>
        Assert.Equal([0, 25, 75, 100], Grey(PillowResizer.Resize(Pixels(0, 100), 2, 1, 4, 1, ResampleFilter.Bilinear)));

    // Halving stretches the triangle over four pixels: 1, 3, 3, 1 eighths; at the edges the three in reach are 3, 3, 1 sevenths.
    [Fact]
    public void Bilinear_AntialiasesWhenShrinking() =>
        Assert.Equal([30, 70], Grey(PillowResizer.Resize(Pixels(0, 70, 0, 140), 4, 1, 2, 1, ResampleFilter.Bilinear)));

    // A step: the lobes of the wider kernels overshoot and are clipped.
    [Theory]
    [InlineData(ResampleFilter.Bicubic)]
    [InlineData(ResampleFilter.Lanczos)]
    internal void SharpFilters_Overshoot(ResampleFilter filter)
    {
        var grey = Grey(PillowResizer.Resize(Pixels(50, 50, 50, 50, 200, 200, 200, 200), 8, 1, 32, 1, filter)).ToArray();
        Assert.True(grey.Min() < 50 && grey.Max() > 200, string.Join(" ", grey));
        Assert.Equal(grey, Grey(PillowResizer.Resize(Pixels(200, 200, 200, 200, 50, 50, 50, 50), 8, 1, 32, 1, filter)).Reverse());
    }

    [Theory]
    [InlineData(ResampleFilter.Nearest)]
    [InlineData(ResampleFilter.Lanczos)]
    [InlineData(ResampleFilter.Bilinear)]
    [InlineData(ResampleFilter.Bicubic)]
    internal void Window_IsAPartOfTheWhole(ResampleFilter filter)
    {
        var rgb = Noise(61 * 47 * 3);
        foreach (var (nw, nh) in new[] { (90, 80), (33, 20), (61, 30), (80, 47), (61, 47) })
        {
            var whole = PillowResizer.Resize(rgb, 61, 47, nw, nh, filter);
            var w = new PixelWindow(nw / 3, nh / 4, nw / 2, nh / 3);
            Assert.Equal(Cut(whole, nw, w), PillowResizer.Resize(new PixelRows(rgb, 61, 47), nw, nh, filter, w));
        }
    }

    [Theory]
    [InlineData(31, 20)]
    [InlineData(20, 31)]
    public void RowsOnACanvas_EqualThePaddedPicture(int width, int height)
    {
        byte[] colour = [122, 116, 104];
        var image = new DecodedImage(width, height, Noise(width * height * 3));
        var (left, top) = ((31 - width) / 2, (31 - height) / 2);
        var canvas = Enumerable.Range(0, 31 * 31 * 3).Select(i => colour[i % 3]).ToArray();
        for (var y = 0; y < height; y++) Array.Copy(image.Rgb, y * width * 3, canvas, ((y + top) * 31 + left) * 3, width * 3);
        foreach (var size in new[] { 14, 31, 50 })
        {
            Assert.Equal(PillowResizer.Bicubic(canvas, 31, 31, size, size),
                PillowResizer.Resize(new PixelRows(image, left, top, 31, 31, colour), size, size, ResampleFilter.Bicubic,
                    new PixelWindow(0, 0, size, size)));
        }
    }

    [Fact]
    public void BadArguments_AreNamed()
    {
        Assert.Throws<ArgumentException>(() => PillowResizer.Resize(new byte[11], 2, 2, 3, 3, ResampleFilter.Bicubic));
        Assert.Throws<ArgumentOutOfRangeException>(() => PillowResizer.Resize(new byte[12], 2, 2, 0, 3, ResampleFilter.Bicubic));
        Assert.Contains("4", Assert.Throws<ArgumentException>(
            () => PillowResizer.Resize(new byte[12], 2, 2, 3, 3, (ResampleFilter)4)).Message);
    }

    private static byte[] Pixels(params byte[] grey) => [.. grey.SelectMany(g => new[] { g, g, g })];

    private static IEnumerable<byte> Grey(byte[] rgb) => rgb.Where((_, i) => i % 3 == 1);

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(7).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Cut(byte[] rgb, int width, PixelWindow w) =>
        [.. Enumerable.Range(w.Top, w.Height).SelectMany(y => rgb.AsSpan((y * width + w.Left) * 3, w.Width * 3).ToArray())];
}
