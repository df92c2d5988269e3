using System.Runtime.InteropServices;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Models.Llava;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>One worker's copy of the model: leaves over one flat tensor, taken by the same code that loads a
/// checkpoint, and its gradients.</summary>
internal sealed class Replica : ITensorSource, IDisposable
{
    private readonly Tensor _flat;
    private readonly Dictionary<string, Tensor> _leaves = new(StringComparer.Ordinal);

    public Replica(ParameterLayout layout, ModelBlueprint blueprint, ScalarType type = ScalarType.BFloat16)
    {
        Layout = layout;
        using (no_grad())
        {
            _flat = zeros([layout.Size], type).DetachFromDisposeScope();
            foreach (var slot in layout.Slots)
            {
                using var part = _flat.narrow(0, slot.Offset, slot.Count);
                using var shaped = part.view(slot.Shape);
                _leaves[slot.Name] = shaped.detach().requires_grad_(!slot.Unused).DetachFromDisposeScope();
            }
        }

        Decoder = new TextDecoder(blueprint.Text, blueprint.TakeDecoder(this));
        Vision = (LlavaVisionTower)blueprint.TakeVision(this);
        Gradient = new float[layout.Size];
    }

    public ParameterLayout Layout { get; }

    public TextDecoder Decoder { get; }

    public LlavaVisionTower Vision { get; }

    /// <summary>Gradients of the last backward pass, in the layout's order.</summary>
    public float[] Gradient { get; }

    public ScalarType Type => _flat.dtype;

    public Tensor this[string name] => _leaves[name];

    public Tensor Take(string name, long[] shape)
    {
        var leaf = _leaves[name];
        return leaf.shape.AsSpan().SequenceEqual(shape) ? leaf
            : throw new ArgumentException(
                $"'{name}' has shape [{string.Join(", ", leaf.shape)}], not [{string.Join(", ", shape)}].", nameof(shape));
    }

    public Tensor? TakeOptional(string name, long[] shape) => _leaves.GetValueOrDefault(name);

    public Tensor[] TakeSplit(string name, long[] shape, Func<Tensor, Tensor[]> split) => split(Take(name, shape));

    /// <summary>Writes values into the flat tensor, rounding to its type.</summary>
    public void Write(ReadOnlySpan<float> values, int offset)
    {
        if (_flat.dtype == ScalarType.Float32)
        {
            values.CopyTo(MemoryMarshal.Cast<byte, float>(_flat.bytes)[offset..]);
            return;
        }

        var target = MemoryMarshal.Cast<byte, ushort>(_flat.bytes).Slice(offset, values.Length);
        var bits = MemoryMarshal.Cast<float, uint>(values);
        for (var i = 0; i < target.Length; i++) target[i] = (ushort)((bits[i] + 0x7FFF + ((bits[i] >> 16) & 1)) >> 16);
    }

    /// <summary>Back-propagates a loss and adds the active modules' gradients to <see cref="Gradient"/>.</summary>
    public void Backward(Tensor loss, IReadOnlyCollection<string> modules)
    {
        loss.backward();
        foreach (var slot in Layout.Slots)
        {
            var leaf = _leaves[slot.Name];
            using var grad = leaf.grad;
            if (grad is null || grad.IsInvalid) continue;
            if (modules.Contains(slot.Module)) Accumulate(grad, Gradient.AsSpan(slot.Offset, slot.Count));
            grad.zero_();
        }
    }

    public void Dispose()
    {
        Decoder.Dispose();
        foreach (var leaf in _leaves.Values) leaf.Dispose();
        _flat.Dispose();
    }

    private static void Accumulate(Tensor grad, Span<float> target)
    {
        using var dense = grad.contiguous();
        if (dense.dtype == ScalarType.Float32)
        {
            System.Numerics.Tensors.TensorPrimitives.Add(target, MemoryMarshal.Cast<byte, float>(dense.bytes), target);
            return;
        }

        var source = MemoryMarshal.Cast<byte, ushort>(dense.bytes);
        for (var i = 0; i < target.Length; i++) target[i] += BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }
}
