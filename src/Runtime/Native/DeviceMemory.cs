using System.Runtime.InteropServices;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>How much memory a device has left.</summary>
internal static partial class DeviceMemory
{
    /// <summary>Bytes that keys and values may take by default: on CPU a quarter of what is available, on CUDA 80% of what is free; half of
    /// 8 GiB where the driver does not say.</summary>
    public static long KvBudget(torch.Device device) => device.type == DeviceType.CUDA
        ? (long)((CudaFree(device.index) ?? 5L << 30) * 0.8)
        : Available() / 4;

    /// <summary>Bytes of main memory that can still be had, the container's limit included.</summary>
    public static long Available() => Math.Max(MachineMemory.FreeBytes, 256L << 20);

    /// <summary>Free bytes of a CUDA device, or null where its runtime library is not found.</summary>
    public static long? CudaFree(int index)
    {
        foreach (var name in new[] { "libcudart.so.12", "libcudart.so.13", "cudart64_12", "cudart64_13" })
        {
            if (!NativeLibrary.TryLoad(name, typeof(torch).Assembly, null, out var library)) continue;
            if (!NativeLibrary.TryGetExport(library, "cudaMemGetInfo", out var get)
                || !NativeLibrary.TryGetExport(library, "cudaSetDevice", out var set)) continue;
            unsafe
            {
                nuint free = 0, total = 0;
                if (((delegate* unmanaged<int, int>)set)(Math.Max(0, index)) == 0
                    && ((delegate* unmanaged<nuint*, nuint*, int>)get)(&free, &total) == 0) return (long)free;
            }
        }

        return null;
    }
}
