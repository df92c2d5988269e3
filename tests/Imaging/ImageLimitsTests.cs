using System.Buffers.Binary;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

/// <summary>What a header claims is judged before anything of that size is taken from memory.</summary>
public sealed class ImageLimitsTests
{
    private static readonly byte[] Small = TestPng.Write(3, 2, 8, 0, [[10, 20, 30], [40, 50, 60]]);

    public static TheoryData<string, byte[]> Claims => new()
    {
        { "BMP of 64 bytes, 8000x8000", Bmp(8000, 8000, 64) },
        { "BMP of 64 bytes, 4000x4000", Bmp(4000, 4000, 64) },
        { "GIF of 35 bytes, 8000x8000", Gif(8000, 8000) },
        { "GIF of 35 bytes, 4900x4900", Gif(4900, 4900) },
        { "PNG of 8000x8000 in few bytes", Png(8000, 8000) },
        { "PNG of 4900x4900 in few bytes", Png(4900, 4900) },
        { "PNG of 2^31-1 squared", Png(int.MaxValue, int.MaxValue) },
    };

    [Theory]
    [MemberData(nameof(Claims))]
    public void ClaimThatTheFileCannotHold_IsRefusedWithoutItsMemory(string what, byte[] file)
    {
        Record.Exception(() => ImageDecoder.Decode(Small)); // what is loaded once
        var before = GC.GetAllocatedBytesForCurrentThread();
        var e = Assert.Throws<ImageDecodeException>(() => ImageDecoder.Decode(file));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 1 << 20, $"{what}: {allocated} bytes were allocated; {e.Message}");
    }

    [Fact]
    public void DefaultLimit_TakesACameraAndNoMore()
    {
        Assert.Equal(25_000_000, ImageLimits.Default.MaxPixels);
        // 24 megapixels in a file that could hold them, were it not cut.
        var file = Png(6000, 4000, fill: 100_000);
        Assert.Contains("damaged or incomplete", Assert.Throws<ImageDecodeException>(() => ImageDecoder.Decode(file)).Message,
            StringComparison.Ordinal);
        var larger = Assert.Throws<ImageDecodeException>(() => ImageDecoder.Decode(Png(6000, 4200, fill: 100_000)));
        Assert.Equal(VisionErrorKind.TooLarge, larger.Kind);
    }

    [Fact]
    public void AllImagesOfARequest_AreCountedTogether()
    {
        ReadOnlyMemory<byte>[] five = [Small, Small, Small, Small, Small];
        ImageDecoder.CheckAll(five);
        ImageDecoder.CheckAll(five, new ImageLimits(MaxPixels: 6, MaxTotalPixels: 30));
        var pixels = Assert.Throws<ImageDecodeException>(
            () => ImageDecoder.CheckAll(five, new ImageLimits(MaxPixels: 6, MaxTotalPixels: 29)));
        Assert.Equal(VisionErrorKind.TooLarge, pixels.Kind);
        Assert.Contains("30 pixels", pixels.Message, StringComparison.Ordinal);
        var bytes = Assert.Throws<ImageDecodeException>(
            () => ImageDecoder.CheckAll(five, new ImageLimits(MaxTotalBytes: 4 * Small.Length)));
        Assert.Contains("bytes together", bytes.Message, StringComparison.Ordinal);
        Assert.Throws<ImageDecodeException>(() => ImageDecoder.CheckAll([Small, new byte[] { 1, 2, 3 }]));
    }

    /// <summary>The least that a sound file can take is not refused: one colour compresses best.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void WellCompressedImage_IsDecoded(byte bits)
    {
        var (width, height) = (2048, 2048);
        var file = TestPng.Write(width, height, bits, 0, [.. Enumerable.Repeat(new byte[width * bits / 8], height)]);
        Assert.True(file.Length < width * height * bits / 8 / 100, $"{file.Length}");
        Assert.Equal(width, ImageDecoder.Decode(file).Width);
    }

    private static byte[] Bmp(int width, int height, int length)
    {
        var file = new byte[length];
        (file[0], file[1]) = ((byte)'B', (byte)'M');
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), 24);
        return file;
    }

    private static byte[] Gif(ushort width, ushort height)
    {
        byte[] file = [.. "GIF89a"u8, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2,
            0x44, 1, 0, 0x3B];
        foreach (var at in (int[])[6, 24])
        {
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), width);
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at + 2), height);
        }

        return file;
    }

    // A sound header over data of one small image, and as many more bytes in a chunk that says nothing.
    private static byte[] Png(int width, int height, int fill = 0)
    {
        var file = TestPng.Write(1, 1, 8, 0, [[0]], fill > 0 ? new byte[fill] : null);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), Crc(file.AsSpan(12, 17)));
        return file;
    }

    private static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var b in data)
        {
            crc ^= b;
            for (var k = 0; k < 8; k++) crc = (crc & 1) != 0 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
        }

        return ~crc;
    }
}
