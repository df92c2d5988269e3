namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>Transparent pixels of a GIF: Pillow gives them their palette's colour, Skia makes them black.</summary>
internal static class GifTransparency
{
    private const int HeaderBytes = 13;
    private const byte Extension = 0x21;
    private const byte GraphicControl = 0xF9;

    /// <summary>The file itself, or a copy whose first picture has no transparent colour.</summary>
    public static ReadOnlyMemory<byte> Without(ReadOnlyMemory<byte> file)
    {
        byte[]? copy = null;
        foreach (var at in Flags(file.Span)) (copy ??= file.ToArray())[at] &= 0xFE;
        return copy is null ? file : copy;
    }

    // Where the flag is set before the first picture; a damaged file ends the list, and is the codec's matter.
    private static List<int> Flags(ReadOnlySpan<byte> file)
    {
        var flags = new List<int>();
        if (file.Length < HeaderBytes || !file.StartsWith("GIF8"u8)) return flags;
        var at = HeaderBytes + ((file[10] & 0x80) != 0 ? 3 << ((file[10] & 7) + 1) : 0);
        while (at < file.Length - 3 && file[at] == Extension)
        {
            if (file[at + 1] == GraphicControl && file[at + 2] == 4 && (file[at + 3] & 1) != 0) flags.Add(at + 3);
            at += 2;
            while (at < file.Length && file[at] != 0) at = file[at] < file.Length - at ? at + 1 + file[at] : file.Length;
            at++;
        }

        return flags;
    }
}
