using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Asks the processor for weights that will be read soon: its own fetching ahead stops at every page of 4 KiB, and does not see
/// what comes after the rows at hand (docs/log.md).</summary>
internal static unsafe class Prefetch
{
    /// <summary>How far ahead of a stream that is being read, in bytes.</summary>
    public const int Distance = 512;

    /// <summary>Asks for the cache line at an address, which need not be readable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(void* p)
    {
        if (Sse.IsSupported) Sse.Prefetch0(p);
    }
}
