using System.Buffers.Binary;
using SkiaSharp;

namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>EXIF orientation of a PNG's <c>eXIf</c> chunk, which Skia's codec does not report.</summary>
internal static class PngOrientation
{
    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    public static SKEncodedOrigin? Find(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(Signature)) return null;
        var at = 8;
        while (at + 12 <= file.Length)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - 12) return null;
            if (file.Slice(at + 4, 4).SequenceEqual("eXIf"u8)) return Orientation(file.Slice(at + 8, (int)length));
            at += 12 + (int)length;
        }

        return null;
    }

    private static SKEncodedOrigin? Orientation(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8) return null;
        var little = tiff[0] == 'I';
        var directory = U32(tiff[4..], little);
        if (directory > (uint)tiff.Length - 2) return null; // never directory + 2: a file may say 2^32 - 1
        var entries = U16(tiff[(int)directory..], little);
        for (var i = 0; i < entries; i++)
        {
            var at = (int)directory + 2 + 12 * i;
            if (at + 12 > tiff.Length) return null;
            if (U16(tiff[at..], little) == 0x0112 && U16(tiff[(at + 8)..], little) is var value and >= 1 and <= 8)
                return (SKEncodedOrigin)value;
        }

        return null;
    }

    private static int U16(ReadOnlySpan<byte> b, bool little) => little ? BinaryPrimitives.ReadUInt16LittleEndian(b)
        : BinaryPrimitives.ReadUInt16BigEndian(b);

    private static uint U32(ReadOnlySpan<byte> b, bool little) => little ? BinaryPrimitives.ReadUInt32LittleEndian(b)
        : BinaryPrimitives.ReadUInt32BigEndian(b);
}
