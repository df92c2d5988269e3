using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>A linear map that sums X^T X of everything it is given: what rounding with compensation
/// needs to know about its inputs.</summary>
internal sealed class RecordingLinear : Linear, IDisposable
{
    private readonly Linear _inner;
    private readonly Tensor _moment;

    /// <summary>Wraps a map.</summary>
    public RecordingLinear(Linear inner)
        : base(inner.Outputs, inner.Inputs, inner.Bias)
    {
        _inner = inner;
        _moment = zeros(inner.Inputs, inner.Inputs, ScalarType.Float32).DetachFromDisposeScope();
    }

    /// <summary>Sum of X^T X, [inputs, inputs] fp32.</summary>
    public Tensor Moment => _moment;

    public override string Storage => _inner.Storage;

    public override long Bytes => _inner.Bytes;

    internal override KernelMatrix? Kernel => _inner.Kernel;

    public override Tensor Forward(Tensor x)
    {
        using (NewDisposeScope())
        {
            var rows = x.reshape(-1, Inputs).to(ScalarType.Float32, CPU);
            _moment.PlusInPlace(matmul(rows.transpose(0, 1), rows));
        }

        return _inner.Forward(x);
    }

    public override Tensor Dequantize(ScalarType type) => _inner.Dequantize(type);

    public void Dispose() => _moment.Dispose();
}
