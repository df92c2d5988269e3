using System.Buffers.Binary;
using System.IO.Compression;

namespace D2Pruner.AI.Tests.Imaging;

/// <summary>Writes PNG files that no encoder at hand makes: 16 bits, odd chunks.</summary>
internal static class TestPng
{
    /// <summary>Content of an eXIf chunk that says nothing but an orientation: big-endian TIFF, one
    /// entry: tag 0x0112, SHORT, count 1.</summary>
    public static byte[] Orientation(byte orientation) =>
        [(byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];

    /// <param name="width">Width.</param>
    /// <param name="height">Height.</param>
    /// <param name="bits">Bits per channel.</param>
    /// <param name="colourType">0 grey, 2 RGB, 4 grey with alpha.</param>
    /// <param name="rows">The samples of each row, big-endian, without filter bytes.</param>
    /// <param name="exif">Content of an eXIf chunk.</param>
    public static byte[] Write(int width, int height, byte bits, byte colourType, byte[][] rows, byte[]? exif = null)
    {
        var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (bits, colourType);
        Chunk(file, "IHDR"u8, header);
        if (exif is not null) Chunk(file, "eXIf"u8, exif);
        var data = new MemoryStream();
        using (var zip = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true))
        {
            foreach (var row in rows)
            {
                zip.WriteByte(0);
                zip.Write(row);
            }
        }

        Chunk(file, "IDAT"u8, data.ToArray());
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void Chunk(Stream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        byte[] body = [.. type, .. content];
        var number = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
        file.Write(number);
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var i = 0; i < 8; i++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }

        return ~crc;
    }
}
