namespace D2Pruner.AI.Pruning;

/// <summary>One entry of the merge matrix W: output row <paramref name="Output"/> (index into Kept) receives
/// <paramref name="Weight"/> times input row
/// <paramref name="Source"/>. Outputs that appear in no entry are plain copies; an output that appears gets
/// exactly the sum of its entries.</summary>
/// <param name="Output">Index into <see cref="TokenReduction.Kept"/>.</param>
/// <param name="Source">Row of the context.</param>
/// <param name="Weight">The weight.</param>
public readonly record struct MergeWeight(int Output, int Source, float Weight);
