using TorchSharp;

namespace D2Pruner.AI.Pruning;

/// <summary>Keeps TF32 out of fp32 products on CUDA for as long as it lives: cosines would lose all but three digits.</summary>
internal readonly struct FullPrecisionProducts : IDisposable
{
    private readonly bool _restore;

    private FullPrecisionProducts(bool restore) => _restore = restore;

    public static FullPrecisionProducts On(torch.Device device)
    {
        if (device.type != DeviceType.CUDA || !torch.backends.cuda.matmul.allow_tf32) return default;
        torch.backends.cuda.matmul.allow_tf32 = false;
        return new FullPrecisionProducts(true);
    }

    public void Dispose()
    {
        if (_restore) torch.backends.cuda.matmul.allow_tf32 = true;
    }
}
