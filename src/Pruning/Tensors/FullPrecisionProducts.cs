using TorchSharp;

namespace D2Pruner.AI.Pruning;

/// <summary>Keeps TF32 out of fp32 products on CUDA for as long as it is held: cosines would lose all but three digits.</summary>
internal static class FullPrecisionProducts
{
    private static readonly Tf32Switch Switch =
        new(() => torch.backends.cuda.matmul.allow_tf32, allow => torch.backends.cuda.matmul.allow_tf32 = allow);

    public static Tf32Switch.Holder On(torch.Device device) => On(device.type);

    /// <summary>For tests on machines without CUDA.</summary>
    internal static Tf32Switch.Holder On(DeviceType device) => device == DeviceType.CUDA ? Switch.Hold() : default;
}
