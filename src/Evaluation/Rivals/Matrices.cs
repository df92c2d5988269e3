using D2Pruner.AI.Pruning.Baselines;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>Tensors as matrices on the host.</summary>
internal static class Matrices
{
    /// <summary>[n, D].</summary>
    public static RowMatrix Of(Tensor t) => new(Values(t), (int)t.shape[0], (int)t.shape[1]);

    /// <summary>[1, heads, n, d], a matrix a head.</summary>
    public static RowMatrix[] PerHead(Tensor t)
    {
        var (values, size) = (Values(t), (int)(t.shape[2] * t.shape[3]));
        return [.. Enumerable.Range(0, (int)t.shape[1])
            .Select(h => new RowMatrix(values.AsSpan(h * size, size).ToArray(), (int)t.shape[2], (int)t.shape[3]))];
    }

    private static float[] Values(Tensor t)
    {
        using var scope = NewDisposeScope();
        return [.. t.to(ScalarType.Float32).cpu().contiguous().data<float>()];
    }
}
