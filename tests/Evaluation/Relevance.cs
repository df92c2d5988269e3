using D2Pruner.AI.Pruning;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>What the rules that are tried here see: relative attention and cosines, on the host.</summary>
internal static class Relevance
{
    /// <summary>Attention over prior, and the tokens by falling relevance (equal ones: lower index first).</summary>
    public static (double[] Values, int[] Order) Of(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var values = new double[context.Attention!.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = context.Prior is { } prior ? context.Attention[i] / Math.Max(prior[i], 1e-12) : context.Attention[i];
        return (values, [.. Enumerable.Range(0, values.Length).OrderByDescending(i => values[i]).ThenBy(i => i)]);
    }

    /// <summary>All cosines, [V * V] row-major.</summary>
    public static float[] Cosine(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        var unit = nn.functional.normalize(hidden.to(ScalarType.Float32), 2, 1);
        return [.. unit.matmul(unit.t()).cpu().contiguous().data<float>()];
    }
}
