namespace D2Pruner.AI.Pruning;

/// <summary>One image that a stage has to reduce: what the runtime needs to gather its signals.</summary>
/// <param name="Image">Index of the image in the request.</param>
/// <param name="Layout">The image's layout (prompt positions before any pruning).</param>
/// <param name="StageIndex">The stage; pass it on to the context.</param>
/// <param name="Budget">n, fewer than there are candidates; pass it on to the context.</param>
/// <param name="Remaining">Layout indices still present, ascending, or null for all; pass it on to the context.</param>
/// <param name="Rows">Row of each candidate in the sequence as it is before this stage, in layout order: index the hidden
/// states, keys or attention with it.</param>
public sealed record ImageCandidates(int Image, VisualTokenLayout Layout, int StageIndex, int Budget, int[]? Remaining, int[] Rows);
