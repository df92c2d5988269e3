using D2Pruner.AI.Runtime.Kernels;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>One published way of storing a quantized linear map.</summary>
internal abstract class QuantizedFormat
{
    private protected static readonly ScalarType[] ScaleTypes = [ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32];

    /// <summary>What messages and <c>inspect</c> say: <c>awq gemm, 4 bits, groups of 128</c>.</summary>
    public abstract string Description { get; }

    /// <summary>Bits of a weight.</summary>
    public abstract int Bits { get; }

    /// <summary>Columns that share a scale; 0 for whole rows.</summary>
    public abstract int Group { get; }

    /// <summary>Whether weights are 8-bit floats, which no kernel reads.</summary>
    public virtual bool IsFloat8 => false;

    /// <summary>Endings of the tensors that belong to a map in this form, used or not.</summary>
    public abstract IReadOnlyList<string> Endings { get; }

    /// <summary>Whether the tensors say that a map is stored in this form.</summary>
    public abstract bool Holds(LinearTensors tensors);

    /// <summary>Names everything about a map that does not fit.</summary>
    public abstract void Check(LinearTensors tensors, int outputs, int inputs, List<string> problems);

    /// <summary>Takes a map apart; <see cref="Check"/> has found nothing.</summary>
    public abstract QuantizedMatrix Read(LinearTensors tensors, int outputs, int inputs);

    private protected static string Groups(int group) => group > 0 ? $"groups of {group}" : "whole rows";

    private protected static int Ceiling(long a, int b) => (int)((a + b - 1) / b);
}
