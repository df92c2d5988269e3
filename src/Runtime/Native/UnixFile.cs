using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>What .NET does not tell of a file on Linux: its kind, owner and inode; opening without waiting; who may write.
/// Each member is for Linux only.</summary>
internal static unsafe partial class UnixFile
{
    private const int OpenFlags = 0x80800; // O_RDONLY | O_NONBLOCK | O_CLOEXEC: the open of a pipe does not wait for its writer
    private const int CurrentFolder = -100;
    private const int EmptyPath = 0x1000;
    private const uint BasicStats = 0x7ff;
    private const int WriteAccess = 2;
    private const int ReadOnlyFileSystem = 30;
    private const int SharedNow = 5; // LOCK_SH | LOCK_NB

    /// <summary>Opens for reading without ever waiting; null with the error number.</summary>
    public static SafeFileHandle? Open(string path, out int error)
    {
        var fd = OpenFile(path, OpenFlags);
        error = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
        return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
    }

    /// <summary>The status of a path; null with the error number.</summary>
    public static UnixStatus? Status(string path, out int error) => Status(CurrentFolder, path, 0, out error);

    /// <summary>The status of an open file.</summary>
    public static UnixStatus? Status(SafeFileHandle file, out int error)
    {
        var held = false;
        try
        {
            file.DangerousAddRef(ref held);
            return Status((int)file.DangerousGetHandle(), "", EmptyPath, out error);
        }
        finally
        {
            if (held) file.DangerousRelease();
        }
    }

    /// <summary>Whether this process may write to a path, and whether it could not because its file system is read-only.</summary>
    public static (bool Writable, bool ReadOnly) Writable(string path)
    {
        if (Access(path, WriteAccess) == 0) return (true, false);
        return (false, Marshal.GetLastPInvokeError() == ReadOnlyFileSystem);
    }

    /// <summary>Takes the advisory lock of readers; false while somebody holds that of a writer. Where locks do not exist, true.</summary>
    public static bool TryLockShared(SafeFileHandle file)
    {
        const int WouldBlock = 11;
        return Lock(file, SharedNow) == 0 || Marshal.GetLastPInvokeError() != WouldBlock;
    }

    private static UnixStatus? Status(int folder, string path, int flags, out int error)
    {
        // struct statx is part of the kernel's interface: the same on every architecture.
        var buffer = stackalloc byte[256];
        error = StatX(folder, path, flags, BasicStats, buffer) == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (error != 0) return null;
        return new UnixStatus(
            Mode: *(ushort*)(buffer + 28),
            Owner: *(uint*)(buffer + 20),
            Inode: *(ulong*)(buffer + 32),
            Device: ((ulong)*(uint*)(buffer + 136) << 32) | *(uint*)(buffer + 140),
            Length: *(long*)(buffer + 40),
            Modified: DateTime.UnixEpoch.AddSeconds(*(long*)(buffer + 112)).AddTicks(*(uint*)(buffer + 120) / 100));
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int folder, string path, int flags, uint mask, byte* result);

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(SafeFileHandle file, int operation);
}

/// <summary>A file's status on Linux.</summary>
/// <param name="Mode">Kind and permissions.</param>
/// <param name="Owner">Its owner's user id.</param>
/// <param name="Inode">Its number.</param>
/// <param name="Device">Where that number counts.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Modified">Last change of its content, UTC.</param>
internal readonly record struct UnixStatus(ushort Mode, uint Owner, ulong Inode, ulong Device, long Length, DateTime Modified)
{
    /// <summary>Whether it is a regular file.</summary>
    public bool IsRegular => (Mode & 0xF000) == 0x8000;

    /// <summary>What it is, in words.</summary>
    public string Kind => (Mode & 0xF000) switch
    {
        0x8000 => "a regular file",
        0x4000 => "a folder",
        0x1000 => "a pipe",
        0x2000 or 0x6000 => "a device",
        0xC000 => "a socket",
        _ => "no regular file",
    };

    /// <summary>Whether its group or everybody may write to it.</summary>
    public bool GroupOrOthersWrite => (Mode & 0b000_010_010) != 0;
}
