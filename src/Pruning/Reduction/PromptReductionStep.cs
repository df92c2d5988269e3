namespace D2Pruner.AI.Pruning;

/// <summary>The outcome of one stage for the whole prompt: which rows the decoder gathers.</summary>
public sealed class PromptReductionStep
{
    internal PromptReductionStep(
        int[] rows, IReadOnlyList<MergeWeight>? mergeWeights, IReadOnlyList<ImageReduction> images, PromptReductionState state) =>
        (Rows, MergeWeights, Images, State) = (rows, mergeWeights, images, state);

    /// <summary>Rows kept of the sequence before the stage, strictly ascending, [M]: text, separators, the last token and the chosen visual
    /// tokens. At the first stage these are prompt positions.</summary>
    public int[] Rows { get; }

    /// <summary>Merge matrix W over the whole sequence (H' = W H), or null when nothing is merged: <see cref="MergeWeight.Output"/> is a
    /// row after the stage, <see cref="MergeWeight.Source"/> a row before it; rows after the stage that appear in no entry are plain
    /// copies of <see cref="Rows"/>.</summary>
    public IReadOnlyList<MergeWeight>? MergeWeights { get; }

    /// <summary>What happened to each image, in request order.</summary>
    public IReadOnlyList<ImageReduction> Images { get; }

    /// <summary>What is left; the input of the next stage. Its
    /// <see cref="PromptReductionState.Positions"/> go with the kept rows.</summary>
    public PromptReductionState State { get; }

    /// <summary>True when no row was dropped and nothing merged: there is nothing to gather.</summary>
    public bool KeepsEverything { get; internal init; }
}
