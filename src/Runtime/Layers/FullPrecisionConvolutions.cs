using D2Pruner.AI.Pruning;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>Keeps TF32 out of fp32 convolutions on CUDA for as long as it is held; libtorch allows it there, unlike in products.</summary>
internal static class FullPrecisionConvolutions
{
    private static readonly Tf32Switch Switch =
        new(() => torch.backends.cudnn.allow_tf32, allow => torch.backends.cudnn.allow_tf32 = allow);

    /// <summary>Holds the switch where it matters.</summary>
    /// <param name="device">Where the convolution runs.</param>
    /// <param name="type">Its type.</param>
    public static Tf32Switch.Holder On(DeviceType device, ScalarType type) =>
        device == DeviceType.CUDA && type == ScalarType.Float32 ? Switch.Hold() : default;
}
