namespace D2Pruner.AI.Runtime.Models;

/// <summary>How <see cref="ModelQuantizer"/> rounds.</summary>
internal sealed record QuantizeOptions
{
    /// <summary>8 or 4.</summary>
    public required int Bits { get; init; }

    /// <summary>Columns that share a scale, a multiple of 16; null is 128 with 4 bits and whole rows with 8.</summary>
    public int? Group { get; init; }

    /// <summary>With zero points.</summary>
    public bool Asymmetric { get; init; }

    /// <summary>
    /// Image files to calibrate on: what a column loses by rounding is then made up for by the others, weighted by what the layer's inputs
    /// look like on these images. Empty rounds to nearest.
    /// </summary>
    public IReadOnlyList<string> CalibrationImages { get; init; } = [];

    /// <summary>Questions asked about the images in turn; the closer to the use, the better.</summary>
    public IReadOnlyList<string> CalibrationPrompts { get; init; } =
        ["Please describe the provided image.", "What is in the image, and where?",
            "How many objects are there, and which colour do they have?"];
}
