using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>
/// Keeps TF32 out of fp32 convolutions on CUDA for as long as it lives; libtorch allows it there, unlike in products. The switch is the
/// process's: engines that need it at once hold it together, and what the application had set comes back when the last one is done.
/// </summary>
internal readonly struct FullPrecisionConvolutions : IDisposable
{
    private static readonly Lock Gate = new();
    private static int _holders;
    private static bool _allowed;
    private readonly bool _holds;

    private FullPrecisionConvolutions(bool holds) => _holds = holds;

    /// <summary>Holds the switch where it matters.</summary>
    /// <param name="device">Where the convolution runs.</param>
    /// <param name="type">Its type.</param>
    public static FullPrecisionConvolutions On(DeviceType device, ScalarType type)
    {
        if (device != DeviceType.CUDA || type != ScalarType.Float32) return default;
        lock (Gate)
        {
            if (_holders++ == 0 && (_allowed = torch.backends.cudnn.allow_tf32)) torch.backends.cudnn.allow_tf32 = false;
        }

        return new FullPrecisionConvolutions(true);
    }

    public void Dispose()
    {
        if (!_holds) return;
        lock (Gate)
        {
            if (--_holders == 0 && _allowed) torch.backends.cudnn.allow_tf32 = true;
        }
    }
}
