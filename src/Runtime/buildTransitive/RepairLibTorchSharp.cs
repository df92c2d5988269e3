using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>Marks the need for GLIBCXX_3.4.32 as weak in copies of libLibTorchSharp.so below a folder (see the targets file).</summary>
public class D2PrunerRepairLibTorchSharp : Task
{
    private const string Version = "GLIBCXX_3.4.32";
    private const string Marker = "_ZSt21ios_base_library_initv";

    [Required]
    public string Folder { get; set; }

    public override bool Execute()
    {
        foreach (var relative in new[] { "libLibTorchSharp.so", "runtimes/linux-x64/native/libLibTorchSharp.so" })
        {
            var path = Path.Combine(Folder, relative);
            if (!File.Exists(path)) continue;
            try
            {
                var bytes = File.ReadAllBytes(path);
                string why;
                var offset = FindFlags(bytes, out why);
                if (offset < 0)
                {
                    Log.LogMessage(MessageImportance.Low, "{0}: {1}", path, why);
                    continue;
                }

                bytes[offset] |= 2; // VER_FLG_WEAK
                var temporary = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
                File.WriteAllBytes(temporary, bytes);
                File.Delete(path); // the other end of a hard link keeps its content
                File.Move(temporary, path);
                Log.LogMessage(MessageImportance.Normal, "{0}: {1} is now a weak need.", path, Version);
            }
            catch (Exception e)
            {
                Log.LogWarning("Could not check {0}: {1}. If TorchSharp fails to load, see the README's section on natives.",
                    path, e.Message);
            }
        }

        return true;
    }

    /// <summary>File offset of vna_flags to change, or -1 and the reason.</summary>
    private static long FindFlags(byte[] b, out string why)
    {
        why = "not a 64-bit little-endian ELF file";
        if (b.Length < 64 || b[0] != 0x7f || b[1] != 'E' || b[2] != 'L' || b[3] != 'F' || b[4] != 2 || b[5] != 1) return -1;
        long sections = (long)U64(b, 0x28);
        int size = U16(b, 0x3A), count = U16(b, 0x3C);
        long need = -1, needEntries = 0, needStrings = -1, symbols = -1, symbolCount = 0, symbolStrings = -1, versions = -1;
        for (var i = 0; i < count; i++)
        {
            var s = sections + (long)i * size;
            var type = U32(b, s + 4);
            var link = sections + (long)U32(b, s + 0x28) * size;
            var offset = (long)U64(b, s + 0x18);
            if (type == 0x6ffffffe)
            {
                need = offset;
                needEntries = U32(b, s + 0x2C);
                needStrings = (long)U64(b, link + 0x18);
            }
            else if (type == 11)
            {
                symbols = offset;
                symbolCount = (long)U64(b, s + 0x20) / 24;
                symbolStrings = (long)U64(b, link + 0x18);
            }
            else if (type == 0x6fffffff)
            {
                versions = offset;
            }
        }

        why = "no version needs";
        if (need < 0 || symbols < 0 || versions < 0) return -1;
        long flags = -1;
        int index = 0;
        var entry = need;
        for (long i = 0; i < needEntries; i++)
        {
            var aux = entry + U32(b, entry + 8);
            for (int j = 0, n = U16(b, entry + 2); j < n; j++)
            {
                if (Text(b, needStrings + U32(b, aux + 8)) == Version)
                {
                    flags = aux + 4;
                    index = U16(b, aux + 6);
                }

                aux += U32(b, aux + 12);
            }

            entry += U32(b, entry + 12);
        }

        why = "does not need " + Version;
        if (flags < 0) return -1;
        why = Version + " is already a weak need";
        if ((b[flags] & 2) != 0) return -1;
        for (long i = 0; i < symbolCount; i++)
        {
            if ((U16(b, versions + 2 * i) & 0x7fff) != index) continue;
            var name = Text(b, symbolStrings + U32(b, symbols + 24 * i));
            if (name == Marker) continue;
            why = "symbol " + name + " really needs " + Version;
            return -1;
        }

        return flags;
    }

    private static int U16(byte[] b, long i) { return BitConverter.ToUInt16(b, checked((int)i)); }

    private static uint U32(byte[] b, long i) { return BitConverter.ToUInt32(b, checked((int)i)); }

    private static ulong U64(byte[] b, long i) { return BitConverter.ToUInt64(b, checked((int)i)); }

    private static string Text(byte[] b, long i)
    {
        var end = i;
        while (b[end] != 0) end++;
        return Encoding.ASCII.GetString(b, (int)i, (int)(end - i));
    }
}
