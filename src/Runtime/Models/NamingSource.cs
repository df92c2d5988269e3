using System.Runtime.CompilerServices;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Layers;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>A source that remembers under which name each linear map's weight was taken.</summary>
internal sealed class NamingSource(ITensorSource inner) : ITensorSource
{
    private readonly ConditionalWeakTable<Tensor, string> _names = [];

    /// <summary>The canonical name of a map's weight; maps whose rows lie in one matrix have one name.</summary>
    public string NameOf(Linear map) => map is DenseLinear dense && _names.TryGetValue(dense.Weight, out var name)
        ? name
        : throw new InvalidOperationException("The map was not taken from this source.");

    public Tensor Take(string name, long[] shape) => inner.Take(name, shape);

    public Tensor? TakeOptional(string name, long[] shape) => inner.TakeOptional(name, shape);

    public Tensor[] TakeSplit(string name, long[] shape, Func<Tensor, Tensor[]> split) => inner.TakeSplit(name, shape, split);

    public StoredLinear TakeStored(string name, long outputs, long inputs, bool bias, bool quantizable = false) =>
        Named(inner.TakeStored(name, outputs, inputs, bias, quantizable), name);

    public StoredLinear[] TakeStoredParts(
        string name, long outputs, long inputs, bool bias, IReadOnlyList<RowRange[]> parts, bool quantizable = false) =>
        [.. inner.TakeStoredParts(name, outputs, inputs, bias, parts, quantizable).Select(p => Named(p, name))];

    public StoredLinear TakeHead(Tensor weight) => inner.TakeHead(weight);

    private StoredLinear Named(StoredLinear stored, string name)
    {
        _names.AddOrUpdate(stored.Weight!, name + ".weight");
        return stored;
    }
}
