using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>What one condition gave for one question.</summary>
/// <param name="Text">The answer.</param>
/// <param name="TokenIds">Its tokens, without a stop id.</param>
/// <param name="VisualTokens">Per layer: visual tokens that it saw.</param>
/// <param name="CacheTokens">Keys and values held after the prefill, in tokens, summed over the layers.</param>
/// <param name="Images">Per image: the last stage's outcome; empty when nothing was pruned.</param>
/// <param name="PrefillTime">The decoder's prefill, shared layers included.</param>
/// <param name="PruneTime">The pruning in it.</param>
internal sealed record ForwardAnswer(
    string Text, IReadOnlyList<int> TokenIds, IReadOnlyList<int> VisualTokens, long CacheTokens, IReadOnlyList<ImageReduction> Images,
        TimeSpan PrefillTime, TimeSpan PruneTime);
