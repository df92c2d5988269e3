using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>All cosines of a context's hidden states on the host, [V, V] fp32: for methods that look at many pairs many times.</summary>
internal sealed class CosineTable
{
    private readonly float[] _values;
    private readonly int _count;

    private CosineTable(float[] values, int count) => (_values, _count) = (values, count);

    public double this[int i, int j] => _values[(long)i * _count + j];

    public static CosineTable Of(Tensor features, CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        using var fullPrecision = FullPrecisionProducts.On(features.device);
        using var strips = new CosineStrips(features, SimilarityGraph.StripRows, 0);
        var values = new float[(long)strips.Count * strips.Count];
        strips.CopyAll(values, cancellationToken);
        return new CosineTable(values, strips.Count);
    }
}
