using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>A linear map x W^T + b. How its weights are stored and multiplied is its kind's matter.</summary>
public abstract class Linear
{
    /// <summary>Creates it.</summary>
    /// <param name="outputs">Outputs.</param>
    /// <param name="inputs">Inputs.</param>
    /// <param name="bias">[outputs] or null; the source owns it.</param>
    protected Linear(long outputs, long inputs, Tensor? bias) => (Outputs, Inputs, Bias) = (outputs, inputs, bias);

    /// <summary>Outputs: rows of the weight.</summary>
    public long Outputs { get; }

    /// <summary>Inputs: columns of the weight.</summary>
    public long Inputs { get; }

    /// <summary>[outputs], or null.</summary>
    public Tensor? Bias { get; }

    /// <summary>How the weights are stored, as reports name it: <c>bfloat16</c>, <c>int8</c>, <c>int4 g128</c>.</summary>
    public abstract string Storage { get; }

    /// <summary>Bytes of weights, scales and bias.</summary>
    public abstract long Bytes { get; }

    /// <summary>x W^T + b.</summary>
    /// <param name="x">[..., inputs].</param>
    /// <returns>[..., outputs] in the type of <paramref name="x"/>.</returns>
    public abstract Tensor Forward(Tensor x);

    /// <summary>The weight as it is computed with, [outputs, inputs]; the caller disposes it.</summary>
    /// <param name="type">Type wanted.</param>
    public abstract Tensor Dequantize(ScalarType type);

    private protected static long SizeOf(Tensor? t) => t is null ? 0 : t.NumberOfElements * t.element_size();
}
