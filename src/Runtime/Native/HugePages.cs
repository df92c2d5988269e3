using System.Runtime.InteropServices;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>Asks Linux for pages of 2 MiB in large pieces of memory that are read again and again: fewer look-ups of addresses.
/// A refusal costs speed only. Elsewhere nothing is asked.</summary>
internal static unsafe partial class HugePages
{
    /// <summary>Bytes of a page.</summary>
    public const int Size = 2 << 20;

    private const int Advice = 14; // MADV_HUGEPAGE

    /// <summary>Asks for those of a piece of memory that lie wholly in it; best before it is first written.</summary>
    /// <param name="start">Its address.</param>
    /// <param name="bytes">Its size.</param>
    public static void Ask(nint start, long bytes)
    {
        var first = (start + Size - 1) & ~(nint)(Size - 1);
        var length = ((start + (nint)bytes) & ~(nint)(Size - 1)) - first;
        if (length <= 0 || !OperatingSystem.IsLinux()) return;
        try
        {
            _ = Advise((void*)first, (nuint)length, Advice);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Another libc: nothing but speed is lost.
        }
    }

    /// <summary>The same for a new tensor's memory.</summary>
    /// <param name="tensor">On the CPU, contiguous.</param>
    public static void Ask(torch.Tensor tensor)
    {
        var bytes = tensor.NumberOfElements * tensor.element_size();
        if (bytes < 2 * Size) return;
        using var flat = tensor.view(-1);
        using var first = flat.narrow(0, 0, 1);
        fixed (byte* p = first.bytes) Ask((nint)p, bytes); // native memory: it does not move
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint length, int advice);
}
