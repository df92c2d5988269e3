using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>Takes linear maps from a tensor source.</summary>
internal static class LinearSource
{
    /// <summary>Takes a linear map.</summary>
    /// <param name="source">The source; it goes on owning the memory.</param>
    /// <param name="name">Canonical name without .weight or .bias.</param>
    /// <param name="outputs">Outputs.</param>
    /// <param name="inputs">Inputs.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="quantizable">Whether the source may store it in fewer bits.</param>
    public static Linear TakeLinear(
        this ITensorSource source, string name, long outputs, long inputs, bool bias, bool quantizable = false) =>
        Of(source.TakeStored(name, outputs, inputs, bias, quantizable));

    /// <summary>Takes several linear maps whose rows lie in one matrix.</summary>
    /// <param name="source">The source.</param>
    /// <param name="name">Canonical name without .weight or .bias.</param>
    /// <param name="outputs">Rows of the whole matrix.</param>
    /// <param name="inputs">Inputs.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="parts">The rows of each map, in its order.</param>
    /// <param name="quantizable">Whether the source may store them in fewer bits.</param>
    public static Linear[] TakeLinears(
        this ITensorSource source, string name, long outputs, long inputs, bool bias, IReadOnlyList<RowRange[]> parts,
        bool quantizable = false) =>
        [.. source.TakeStoredParts(name, outputs, inputs, bias, parts, quantizable).Select(Of)];

    /// <summary>The head over a weight that has been taken.</summary>
    /// <param name="source">The source.</param>
    /// <param name="weight">[vocabulary, D]; null in a plan.</param>
    public static Linear TakeHead(this ITensorSource source, TorchSharp.torch.Tensor? weight) => weight is null ? null!
        : Of(source.TakeHead(weight));

    // A plan hands out nothing; nobody computes with what is made of it.
    private static Linear Of(StoredLinear stored) => stored switch
    {
        { Packed: { } packed } => new QuantizedLinear(packed, stored.Bias),
        { Weight: { } weight } => new DenseLinear(weight, stored.Bias),
        _ => null!,
    };
}
