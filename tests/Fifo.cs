using System.Runtime.InteropServices;

namespace D2Pruner.AI.Tests;

/// <summary>Files that are none: pipes, whose opening waits for a writer who never comes.</summary>
internal static partial class Fifo
{
    public static string Create(string path)
    {
        if (MakeFifo(path, 0b110_110_110) != 0) throw new IOException($"mkfifo '{path}': {Marshal.GetLastPInvokeErrorMessage()}");
        return path;
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, uint mode);
}
