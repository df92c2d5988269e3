using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>What one condition gave for one question.</summary>
/// <param name="Open">The answer; whole after <see cref="SharedForward.Finish"/>.</param>
/// <param name="VisualTokens">Per layer: visual tokens that it saw.</param>
/// <param name="CacheTokens">Keys and values held after the prefill, in tokens, summed over the layers.</param>
/// <param name="Images">Per image: the last stage's outcome; empty when nothing was pruned.</param>
/// <param name="PrefillTime">The decoder's prefill, shared layers included; where another condition had made the same choice, with the
/// time of its layers behind that.</param>
/// <param name="PruneTime">The pruning in it.</param>
internal sealed record ForwardAnswer(OpenAnswer Open, IReadOnlyList<int> VisualTokens, long CacheTokens,
    IReadOnlyList<ImageReduction> Images, TimeSpan PrefillTime, TimeSpan PruneTime)
{
    /// <summary>The text.</summary>
    /// <exception cref="InvalidOperationException">It is not answered yet.</exception>
    public string Text => Open.Text ?? throw new InvalidOperationException("The answer is still open.");

    /// <summary>Its tokens, without a stop id.</summary>
    public IReadOnlyList<int> TokenIds => Open.Ids;
}
