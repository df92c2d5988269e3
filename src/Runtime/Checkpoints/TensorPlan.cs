using TorchSharp;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Records what a model takes: the tensors that its checkpoint must hold, known from the configuration alone.</summary>
internal sealed class TensorPlan : ITensorSource
{
    private readonly List<ExpectedTensor> _tensors = [];

    /// <summary>Everything taken, in order.</summary>
    public IReadOnlyList<ExpectedTensor> Tensors => _tensors;

    /// <summary>Elements of all required tensors.</summary>
    public long Parameters => _tensors.Where(t => !t.Optional).Sum(t => t.Shape.Aggregate(1L, (a, b) => a * b));

    /// <inheritdoc/>
    public torch.Tensor Take(string name, long[] shape)
    {
        _tensors.Add(new ExpectedTensor(name, shape, false));
        return null!; // nobody computes with a plan
    }

    /// <inheritdoc/>
    public torch.Tensor? TakeOptional(string name, long[] shape)
    {
        _tensors.Add(new ExpectedTensor(name, shape, true));
        return null;
    }

    /// <inheritdoc/>
    public StoredLinear TakeStored(string name, long outputs, long inputs, bool bias, bool quantizable = false)
    {
        _tensors.Add(new ExpectedTensor(name + ".weight", [outputs, inputs], false) { IsLinear = true, IsQuantizable = quantizable });
        if (bias) Take(name + ".bias", [outputs]);
        return StoredLinear.None;
    }

    /// <inheritdoc/>
    public StoredLinear[] TakeStoredParts(
        string name, long outputs, long inputs, bool bias, IReadOnlyList<RowRange[]> parts, bool quantizable = false)
    {
        var none = TakeStored(name, outputs, inputs, bias, quantizable);
        return [.. parts.Select(_ => none)];
    }

    /// <inheritdoc/>
    public torch.Tensor[] TakeSplit(string name, long[] shape, Func<torch.Tensor, torch.Tensor[]> split)
    {
        Take(name, shape);
        return new torch.Tensor[8];
    }
}
