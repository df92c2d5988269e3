using D2Pruner.AI.Runtime.Native;
using Microsoft.Win32.SafeHandles;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>What tells whether an open file is still what it was.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="Modified">Last change of its content, UTC.</param>
/// <param name="Inode">Its number on its device; 0 where the system has none.</param>
/// <param name="Device">Its device; 0 where the system has none.</param>
internal readonly record struct FileIdentity(long Length, DateTime Modified, ulong Inode, ulong Device)
{
    /// <summary>Of an open file: what its path names by now does not count.</summary>
    public static FileIdentity Of(SafeFileHandle file)
    {
        try
        {
            if (OperatingSystem.IsLinux() && UnixFile.Status(file, out _) is { } s)
                return new FileIdentity(s.Length, s.Modified, s.Inode, s.Device);
        }
        catch (EntryPointNotFoundException)
        {
            // A C library from before statx.
        }

        return new FileIdentity(RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file), 0, 0);
    }

    /// <summary>How another look differs, in words; null where it does not.</summary>
    public string? DifferenceTo(FileIdentity now)
    {
        if (now.Length != Length) return $"it had {Length} bytes and has {now.Length}";
        if (now.Modified != Modified) return $"it was written at {now.Modified:O}, after it was opened";
        return now.Inode != Inode || now.Device != Device ? "it is another file" : null;
    }
}
