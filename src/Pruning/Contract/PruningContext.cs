using TorchSharp;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// What a pruner sees of one image at one stage. Rows are the image's remaining candidates in layout order; tensors belong to
/// the caller and must not be disposed or written to.
/// </summary>
public sealed class PruningContext
{
    /// <summary>The image's components at this stage (positions are prompt positions before any pruning).</summary>
    public required VisualTokenLayout Layout { get; init; }

    /// <summary>n, how many candidates must be kept; 1 &lt;= n &lt; V.</summary>
    public required int Budget { get; init; }

    /// <summary>Index into the pruner's schedule.</summary>
    public int StageIndex { get; init; }

    /// <summary>Layout indices of the candidates still present, ascending; null when nothing has been dropped yet. Row r of each signal is
    /// candidate <c>Remaining[r]</c>.</summary>
    public int[]? Remaining { get; init; }

    /// <summary>Attention of the last prompt token to each candidate, [V] fp32, raw softmax values over the whole row.</summary>
    public float[]? Attention { get; init; }

    /// <summary>Positional bias A_bias resized to the layout and flattened in layout order, [V]; null means uniform.</summary>
    public float[]? Prior { get; init; }

    /// <summary>Hidden states, [V, D], any floating type, on the compute device.</summary>
    public torch.Tensor? HiddenStates { get; init; }

    /// <summary>Keys after rotary embedding, [V, heads * d], any floating type.</summary>
    public torch.Tensor? Keys { get; init; }

    /// <summary>Hidden states after the final norm, [V, D].</summary>
    public torch.Tensor? FinalNormed { get; init; }

    /// <summary>Text rows' hidden states (all text after the first image), [T, D].</summary>
    public torch.Tensor? TextHiddenStates { get; init; }

    /// <summary>Text rows' keys, [T, heads * d].</summary>
    public torch.Tensor? TextKeys { get; init; }

    /// <summary>Text rows after the final norm, [T, D].</summary>
    public torch.Tensor? TextFinalNormed { get; init; }

    /// <summary>CLS attention of the vision tower to each candidate, [V], or null where the tower has none.</summary>
    public float[]? VisionClsAttention { get; init; }

    /// <summary>
    /// Where values may be kept that depend on this image's features at the first stage alone, for further questions about it; null where
    /// there is no such place or candidates were dropped before.
    /// </summary>
    public PruningMemo? Memo { get; init; }

    /// <summary>Observed between expensive steps.</summary>
    public CancellationToken CancellationToken { get; init; }
}
