using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>Activation functions by their configuration name.</summary>
internal static class Activations
{
    /// <summary>Finds an activation.</summary>
    /// <param name="name"><c>silu</c>, <c>gelu</c> (erf), <c>gelu_pytorch_tanh</c>, <c>quick_gelu</c> or <c>relu</c>.</param>
    /// <exception cref="NotSupportedException">Any other name.</exception>
    public static Func<Tensor, Tensor> Find(string name) => name switch
    {
        "silu" or "swish" => x => nn.functional.silu(x),
        "gelu" => x => nn.functional.gelu(x),
        "quick_gelu" => QuickGelu,
        "relu" => x => nn.functional.relu(x),
        _ => throw new NotSupportedException($"The activation '{name}' is not supported; known are silu, gelu, quick_gelu, relu."),
    };

    /// <summary>x * sigmoid(1.702 x) (CLIP).</summary>
    public static Tensor QuickGelu(Tensor x)
    {
        using var scaled = x.Times(1.702);
        using var gate = sigmoid(scaled);
        return x * gate;
    }
}
