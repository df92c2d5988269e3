namespace D2Pruner.AI.Evaluation.Data;

/// <summary>Which part of a data set is wanted, and how it is asked.</summary>
/// <param name="Split">The part: <c>test</c>, <c>val</c>...</param>
/// <param name="Limit">At most this many questions; a seeded sample of whole images' questions where there are more.</param>
/// <param name="Seed">Seed of the sample.</param>
/// <param name="Style">Whose wording is used.</param>
public sealed record DataRequest(string Split, int Limit, ulong Seed, PromptStyle Style);
