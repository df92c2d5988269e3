using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Evaluation.Data;

/// <summary>Which part of a data set is wanted, and how it is asked.</summary>
/// <param name="Split">The part: <c>test</c>, <c>val</c>...</param>
/// <param name="Limit">At most this many questions; a seeded sample of whole images' questions where there are more.</param>
/// <param name="Seed">Seed of the sample.</param>
/// <param name="Style">Whose wording is used.</param>
public sealed record DataRequest(string Split, int Limit, ulong Seed, PromptStyle Style)
{
    /// <summary>Published benchmarks are asked as the model is served, in its folder's own template and image fit, and not as its family's
    /// published figures were taken. Of LLaVA-1.5 these differ: Vicuna's system line, the image padded to a square.</summary>
    public bool AsServed { get; init; }

    /// <summary>Where a unit of the model's coordinates lies on an image of a width and height, as its processor fits it; null reads boxes
    /// as the family's harness does.</summary>
    internal Func<int, int, PixelFrame>? Units { get; init; }
}
