using TorchSharp;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>
/// Where a model takes its tensors from, by canonical (new-style) name. The same code that takes them serves twice: over a
/// recorder it lists what a checkpoint must hold (from the configuration alone), over a checkpoint it loads. Tensors belong to the source.
/// </summary>
internal interface ITensorSource
{
    /// <summary>Takes a tensor that must be there with this shape.</summary>
    torch.Tensor Take(string name, long[] shape);

    /// <summary>Takes a tensor that may be missing.</summary>
    torch.Tensor? TakeOptional(string name, long[] shape);

    /// <summary>Takes a tensor and keeps only what <paramref name="split"/> makes of it.</summary>
    torch.Tensor[] TakeSplit(string name, long[] shape, Func<torch.Tensor, torch.Tensor[]> split);

    /// <summary>Takes the weight <c>name.weight</c> of a linear map and, if asked, <c>name.bias</c>, in the
    /// form that the source has them in.</summary>
    /// <param name="name">Canonical name without ending.</param>
    /// <param name="outputs">Rows of the weight.</param>
    /// <param name="inputs">Columns of the weight.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="quantizable">Whether the source may store it in fewer bits (the decoder's linears).</param>
    StoredLinear TakeStored(string name, long outputs, long inputs, bool bias, bool quantizable = false) =>
        new(Take(name + ".weight", [outputs, inputs]), bias ? Take(name + ".bias", [outputs]) : null);

    /// <summary>The head over a weight that has been taken (the embedding, where they are tied), in the form
    /// that the source has heads in.</summary>
    StoredLinear TakeHead(torch.Tensor weight) => new(weight, null);

    /// <summary>As <see cref="TakeStored"/>, for several maps whose rows lie in one matrix.</summary>
    /// <param name="name">Canonical name without ending.</param>
    /// <param name="outputs">Rows of the whole matrix.</param>
    /// <param name="inputs">Columns.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="parts">The rows of each map, in its order.</param>
    /// <param name="quantizable">Whether the source may store them in fewer bits.</param>
    StoredLinear[] TakeStoredParts(
        string name, long outputs, long inputs, bool bias, IReadOnlyList<RowRange[]> parts, bool quantizable = false)
    {
        var weights = TakeSplit(name + ".weight", [outputs, inputs], t => [.. parts.Select(p => RowRange.Select(t, p))]);
        var biases = bias ? TakeSplit(name + ".bias", [outputs], t => [.. parts.Select(p => RowRange.Select(t, p))]) : null;
        return [.. parts.Select((_, i) => new StoredLinear(weights[i], biases?[i]))];
    }
}
