using System.Runtime.InteropServices;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>Asks NVIDIA's driver for its devices (NVML, which comes with every driver): no CUDA context is made, and
/// no build of libtorch is needed.</summary>
internal static unsafe class NvidiaDriver
{
    private static readonly string[] Libraries = OperatingSystem.IsWindows() ? ["nvml"] : ["libnvidia-ml.so.1"];

    private static string? Shown => Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES");

    /// <summary>The devices that CUDA shows, in the driver's order, or none without a driver.</summary>
    public static IReadOnlyList<NvidiaDevice> Devices() => Visible(Query(), Shown);

    /// <summary>Free bytes of a CUDA device, or null where the driver does not tell, or not of which card.</summary>
    public static long? FreeBytes(int index) =>
        FreeBytes(Query(), index, Environment.GetEnvironmentVariable("CUDA_DEVICE_ORDER"), Shown);

    /// <summary><see cref="FreeBytes(int)"/> of these devices under these settings of CUDA's.</summary>
    internal static long? FreeBytes(IReadOnlyList<NvidiaDevice> all, int index, string? order, string? visible)
    {
        // CUDA counts the fastest card first, the driver by their places: the same where all are equal.
        if (order != "PCI_BUS_ID" && all.DistinctBy(d => (d.Name, d.TotalBytes)).Count() > 1) return null;
        var devices = Visible(all, visible);
        return index < devices.Count ? devices[index].FreeBytes : null;
    }

    // CUDA shows only these, numbered anew; names by UUID cannot be matched here.
    private static IReadOnlyList<NvidiaDevice> Visible(IReadOnlyList<NvidiaDevice> all, string? visible)
    {
        if (visible is null) return all;
        int[] chosen = [.. visible.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .TakeWhile(v => int.TryParse(v, out var i) && i >= 0 && i < all.Count).Select(int.Parse)];
        return [.. chosen.Select((device, index) => all[device] with { Index = index })];
    }

    private static List<NvidiaDevice> Query()
    {
        var devices = new List<NvidiaDevice>();
        nint library = 0;
        if (!Libraries.Any(l => NativeLibrary.TryLoad(l, out library))) return devices;
        try
        {
            var init = (delegate* unmanaged<int>)NativeLibrary.GetExport(library, "nvmlInit_v2");
            var count = (delegate* unmanaged<uint*, int>)NativeLibrary.GetExport(library, "nvmlDeviceGetCount_v2");
            var handle = (delegate* unmanaged<uint, nint*, int>)NativeLibrary.GetExport(library, "nvmlDeviceGetHandleByIndex_v2");
            var name = (delegate* unmanaged<nint, byte*, uint, int>)NativeLibrary.GetExport(library, "nvmlDeviceGetName");
            var memory = (delegate* unmanaged<nint, ulong*, int>)NativeLibrary.GetExport(library, "nvmlDeviceGetMemoryInfo");
            uint n;
            if (init() != 0 || count(&n) != 0) return devices;
            var sizes = stackalloc ulong[3]; // total, free, used
            var text = stackalloc byte[96];
            for (uint i = 0; i < n; i++)
            {
                nint device;
                if (handle(i, &device) != 0 || memory(device, sizes) != 0) continue;
                var known = name(device, text, 96) == 0 ? Marshal.PtrToStringUTF8((nint)text) : null;
                devices.Add(new NvidiaDevice((int)i, known ?? "NVIDIA GPU", (long)sizes[0], (long)sizes[1]));
            }
        }
        catch (EntryPointNotFoundException)
        {
            // A driver too old to answer.
        }

        return devices;
    }
}
