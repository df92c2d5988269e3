using System.Runtime.InteropServices;
using D2Pruner.AI.Runtime.Native;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Zeroed memory outside the garbage collector's heap; large ones ask for huge pages, which the kernels read
/// faster (docs/quantization.md).</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint HugePage = HugePages.Size;
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
        HugePages.Ask((nint)_start, (long)size);
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
}
