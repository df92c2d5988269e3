using System.Buffers.Binary;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>Damaged pictures of every format, and BMP, PNG and GIF headers that announce what is not there.</summary>
internal sealed class ImageTarget : FuzzTarget
{
    private readonly byte[][] _pictures =
        [.. Directory.GetFiles(Path.Combine(Places.Fixtures, "images", "decode"))
            .Concat(Directory.GetFiles(Path.Combine(Places.Fixtures, "images", "bad"))).Order(StringComparer.Ordinal)
            .Select(File.ReadAllBytes)];

    public override string Name => "images";

    // Of a picture's own pixels, four bytes and three, within the limit below; and Skia's own scratch.
    public override long AllocationLimit => 48L << 20;

    public override bool WatchesNativeMemory => true;

    public override byte[] Make(Random random)
    {
        var picture = _pictures[random.Next(_pictures.Length)];
        if (random.Next(4) == 0) return Header(random);
        return random.Next(50) == 0 ? picture : ByteMutator.Mutate(random, picture);
    }

    public override void Run(byte[] input)
    {
        var picture = ImageDecoder.Decode(input, new ImageLimits(MaxPixels: 1_000_000));
        if ((long)picture.Width * picture.Height > 1_000_000)
            throw new FuzzFailure($"A picture of {picture.Width}x{picture.Height} came through.");
        if (picture.Width * picture.Height < 100_000)
            PillowResizer.Resize(picture.Rgb, picture.Width, picture.Height, 56, 56, ResampleFilter.Bicubic);
    }

    private static byte[] Header(Random random)
    {
        int Side() => random.Next(4) switch { 0 => random.Next(1, 100), 1 => 60_000, 2 => int.MaxValue, _ => random.Next(1, 20_000) };
        byte[] header;
        switch (random.Next(3))
        {
            case 0:
                header = [0x42, 0x4D, 0, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, .. new byte[36]];
                BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(18), Side());
                BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(22), random.Next(2) == 0 ? Side() : -Side());
                (header[26], header[28]) = (1, (byte)(random.Next(2) == 0 ? 24 : 1 << random.Next(6)));
                return header;
            case 1:
                header = [0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0, 0, 0, 0, 0xF0, 0, 0, 0, 0, 0, 255, 255, 255, 0x2C, 0, 0, 0, 0, 0, 0, 0, 0,
                    0, 2, 2, 0x44, 1, 0, 0x3B];
                BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(6), (ushort)Side());
                BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)Side());
                return header;
            default:
                header = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, .. new byte[13], 0, 0, 0, 0];
                BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(16), Side());
                BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(20), Side());
                (header[24], header[25]) = (8, (byte)random.Next(7));
                BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(29), Crc(header.AsSpan(12, 17)));
                return header;
        }
    }

    // A PNG's checksum: without the right one nothing behind it is looked at.
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var i = 0; i < 8; i++) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
        }

        return ~crc;
    }
}
