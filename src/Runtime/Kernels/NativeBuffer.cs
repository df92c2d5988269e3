using System.Runtime.InteropServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Zeroed memory outside the garbage collector's heap; large ones ask for huge pages, which the kernels read
/// faster (docs/quantization.md).</summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    private const nuint HugePage = 2 << 20;
    private const int AdviseHugePages = 14;
    private void* _start;

    /// <param name="bytes">Size.</param>
    public NativeBuffer(long bytes)
    {
        Bytes = bytes;
        var size = (nuint)Math.Max(64, bytes);
        if (size < HugePage)
        {
            _start = NativeMemory.AlignedAlloc(size, 64);
            NativeMemory.Clear(_start, size);
            return;
        }

        size = (size + HugePage - 1) & ~(HugePage - 1);
        _start = NativeMemory.AlignedAlloc(size, HugePage);
        if (OperatingSystem.IsLinux()) TryAdvise(size);
        NativeMemory.Clear(_start, size);
    }

    ~NativeBuffer() => Free();

    /// <summary>Bytes asked for.</summary>
    public long Bytes { get; }

    public byte* Pointer => (byte*)_start;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_start is null) return;
        NativeMemory.AlignedFree(_start);
        _start = null;
    }

    private void TryAdvise(nuint size)
    {
        try
        {
            _ = Advise(_start, size, AdviseHugePages); // a refusal costs speed only
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Another libc: nothing but speed is lost.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint size, int advice);
}
