using TorchSharp;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// Keeps TF32 out of fp32 products on CUDA for as long as it lives: cosines would lose all but three digits. The switch is the process's:
/// engines that need it at once hold it together, and what the application had set comes back when the last one is done.
/// </summary>
internal readonly struct FullPrecisionProducts : IDisposable
{
    private static readonly Lock Gate = new();
    private static int _holders;
    private static bool _allowed;
    private readonly bool _holds;

    private FullPrecisionProducts(bool holds) => _holds = holds;

    public static FullPrecisionProducts On(torch.Device device) => On(device.type);

    /// <summary>For tests on machines without CUDA.</summary>
    internal static FullPrecisionProducts On(DeviceType device)
    {
        if (device != DeviceType.CUDA) return default;
        lock (Gate)
        {
            if (_holders++ == 0 && (_allowed = torch.backends.cuda.matmul.allow_tf32)) torch.backends.cuda.matmul.allow_tf32 = false;
        }

        return new FullPrecisionProducts(true);
    }

    public void Dispose()
    {
        if (!_holds) return;
        lock (Gate)
        {
            if (--_holders == 0 && _allowed) torch.backends.cuda.matmul.allow_tf32 = true;
        }
    }
}
