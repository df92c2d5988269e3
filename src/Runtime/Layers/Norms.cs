using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>Normalisation layers as pure functions.</summary>
internal static class Norms
{
    /// <summary>RMSNorm as Llama computes it: statistics in fp32, cast to the model's type, then the weight.</summary>
    /// <param name="x">[..., D].</param>
    /// <param name="weight">[D].</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <returns>[..., D] in the type of <paramref name="x"/>.</returns>
    public static Tensor Rms(Tensor x, Tensor weight, double eps)
    {
        using var scope = NewDisposeScope();
        var f = x.to(ScalarType.Float32);
        var variance = (f * f).mean([-1], keepdim: true);
        var y = f * rsqrt(variance.Plus(eps));
        return (weight * y.to(x.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>LayerNorm over the last axis.</summary>
    /// <param name="x">[..., D].</param>
    /// <param name="weight">[D].</param>
    /// <param name="bias">[D].</param>
    /// <param name="eps">Added to the variance.</param>
    public static Tensor Layer(Tensor x, Tensor weight, Tensor bias, double eps) =>
        nn.functional.layer_norm(x, [weight.shape[0]], weight, bias, eps);
}
