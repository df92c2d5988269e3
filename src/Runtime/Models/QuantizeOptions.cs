namespace D2Pruner.AI.Runtime.Models;

/// <summary>How <see cref="ModelQuantizer"/> rounds.</summary>
public sealed record QuantizeOptions
{
    /// <summary>8 or 4.</summary>
    public required int Bits { get; init; }

    /// <summary>Columns that share a scale, a multiple of 16; null is 128 with 4 bits and whole rows with 8.</summary>
    public int? Group { get; init; }

    /// <summary>With zero points.</summary>
    public bool Asymmetric { get; init; }
}
