using System.Collections.Concurrent;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>How much memory a device has left.</summary>
internal static class DeviceMemory
{
    private static readonly ConcurrentDictionary<int, CardMemory> Cards = new();
    private static readonly CardMemory NoCard = new(() => null); // what main memory has free is asked anew each time

    /// <summary>Bytes that keys and values may take by default: on CPU a quarter of what is available, on CUDA 80% of what is free; half of
    /// 8 GiB where the driver does not say.</summary>
    public static long KvBudget(torch.Device device) => device.type == DeviceType.CUDA
        ? (long)((Free(device) ?? 5L << 30) * 0.8)
        : Available() / 4;

    /// <summary>Bytes of main memory that can still be had, the container's limit included.</summary>
    public static long Available() => Math.Max(MachineMemory.FreeBytes, 256L << 20);

    /// <summary>Bytes that a model can still take on a device, or null where nobody tells.</summary>
    public static long? Free(torch.Device device) => device.type == DeviceType.CUDA ? Card(device).Free() : MachineMemory.FreeBytes;

    /// <summary>Says that a model takes its place on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="bytes">Bytes of its weights.</param>
    /// <returns>To be disposed when it has gone, or when its load failed.</returns>
    public static IDisposable Hold(torch.Device device, long bytes) => Card(device).Hold(bytes);

    /// <summary>Says that a model is being loaded on a device.</summary>
    /// <param name="device">The device.</param>
    /// <returns>To be disposed when it is there, or when its load failed.</returns>
    public static IDisposable Load(torch.Device device) => Card(device).Load();

    private static CardMemory Card(torch.Device device) => device.type != DeviceType.CUDA ? NoCard : Cards.GetOrAdd(
        Math.Max(0, device.index), i => new CardMemory(() => CudaRuntime.FreeBytes(i) ?? NvidiaDriver.FreeBytes(i)));
}
