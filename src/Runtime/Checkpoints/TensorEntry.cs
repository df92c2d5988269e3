using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>One tensor of a safetensors header.</summary>
/// <param name="Name">The name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">The shape.</param>
/// <param name="Offset">Byte offset in the file.</param>
/// <param name="Bytes">Length in bytes.</param>
internal sealed record TensorEntry(string Name, ScalarType Type, long[] Shape, long Offset, long Bytes)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (a, b) => a * b);
}
