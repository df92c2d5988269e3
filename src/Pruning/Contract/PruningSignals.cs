namespace D2Pruner.AI.Pruning;

/// <summary>What a pruner needs to see; the runtime computes just these.</summary>
[Flags]
public enum PruningSignals
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The last prompt token's attention row at the point's layer: softmax over all keys in fp32, mean over query heads.</summary>
    LastRowAttention = 1,

    /// <summary>Keys of the point's layer after rotary embedding, KV heads repeated to query heads.</summary>
    Keys = 2,

    /// <summary>The visual tokens' hidden states at the point (output of the layer, before the next norm).</summary>
    HiddenStates = 4,

    /// <summary>The text tokens' rows of whatever is asked for besides (hidden states, keys, final-normed features).</summary>
    TextRows = 8,

    /// <summary>Hidden states after the decoder's final norm.</summary>
    FinalNormedFeatures = 16,

    /// <summary>The vision tower's CLS attention to the patches, mean over heads.</summary>
    VisionClsAttention = 32,
}
