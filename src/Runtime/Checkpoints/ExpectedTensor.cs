namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>A tensor that a configuration asks for.</summary>
/// <param name="Name">Canonical (new-style) name.</param>
/// <param name="Shape">The shape.</param>
/// <param name="Optional">Whether it may be missing (a tied head).</param>
internal sealed record ExpectedTensor(string Name, long[] Shape, bool Optional)
{
    /// <summary>Whether it is the weight of a linear map, which a file may hold quantized under other names.</summary>
    public bool IsLinear { get; init; }

    /// <summary>Whether it may be rounded to fewer bits (the decoder's).</summary>
    public bool IsQuantizable { get; init; }
}
