using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// Values of the host on a device. <c>tensor(values, device: gpu)</c> does it in one call, and must not be used: where the device has no
/// memory left, libtorch lets go of the pinned array as its exception passes, and TorchSharp hands the address over once more.
/// </summary>
internal static class HostTensors
{
    /// <summary>The tensor on a device; the host's own is disposed.</summary>
    /// <param name="host">A tensor just made.</param>
    /// <param name="device">The device; on the host's own nothing is copied.</param>
    /// <param name="type">The type there; null for the same.</param>
    public static Tensor MovedTo(this Tensor host, Device device, ScalarType? type = null)
    {
        using (host) return host.to(type ?? host.dtype, device);
    }
}
