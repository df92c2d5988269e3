using System.Diagnostics;
using System.Runtime.InteropServices;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>CUDA's runtime library, as far as TorchSharp does not tell what it knows of a device.</summary>
internal static unsafe class CudaRuntime
{
    private static readonly string[] Names = ["libcudart.so.12", "libcudart.so.13", "cudart64_12", "cudart64_13"];

    /// <summary>Free bytes of a device in CUDA's own numbering, or null where the library is not found or does not tell.</summary>
    /// <param name="index">The device.</param>
    public static long? FreeBytes(int index)
    {
        if (Library() is not { } library
            || !NativeLibrary.TryGetExport(library, "cudaSetDevice", out var choose)
            || !NativeLibrary.TryGetExport(library, "cudaMemGetInfo", out var tell)) return null;
        // The chosen device is the thread's: one of its own leaves the caller's as it was, and makes no context on any other device.
        long? free = null;
        var thread = new Thread(() => free = FreeBytes(index, choose, tell));
        thread.Start();
        thread.Join();
        return free;
    }

    /// <summary>Whether a file is the runtime library; libtorch's has a hash in its name, <c>libcudart-218eec4c.so.12</c>.</summary>
    /// <param name="file">Name of the file.</param>
    internal static bool IsName(string file) =>
        file.StartsWith("libcudart", StringComparison.Ordinal) || file.StartsWith("cudart64_", StringComparison.OrdinalIgnoreCase);

    /// <summary>Path of a library that is loaded in this process, or null.</summary>
    /// <param name="isName">Tells it by its file's name.</param>
    internal static string? Loaded(Func<string, bool> isName)
    {
        using var process = Process.GetCurrentProcess();
        return process.Modules.Cast<ProcessModule>().Select(m => m.FileName)
            .FirstOrDefault(path => path is not null && isName(Path.GetFileName(path)));
    }

    // libtorch's own, where it is loaded.
    private static nint? Library()
    {
        foreach (var name in Loaded(IsName) is { } loaded ? [loaded, .. Names] : Names)
        {
            if (NativeLibrary.TryLoad(name, typeof(torch).Assembly, null, out var library)) return library;
        }

        return null;
    }

    private static long? FreeBytes(int index, nint choose, nint tell)
    {
        nuint free, total;
        return ((delegate* unmanaged<int, int>)choose)(index) == 0 && ((delegate* unmanaged<nuint*, nuint*, int>)tell)(&free, &total) == 0
            ? (long)free : null;
    }
}
