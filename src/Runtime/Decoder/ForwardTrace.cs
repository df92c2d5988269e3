using TorchSharp;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>Records what a prefill computes, as fp32 host arrays; for tests, dumps, calibration and overlays.
/// Null members were not asked for.</summary>
internal sealed class ForwardTrace
{
    /// <summary>Record hidden states: index 0 is the input of layer 0, i the output of layer i-1 (before the final norm).</summary>
    public bool RecordHidden { get; init; }

    /// <summary>Record only the last layer's output.</summary>
    public bool RecordLastHidden { get; init; }

    /// <summary>Record the last prompt token's attention row of every layer in <see cref="AttentionLayers"/>, or of
    /// all layers when that is null.</summary>
    public bool RecordAttention { get; init; }

    /// <summary>Layers whose attention row is recorded; null for all.</summary>
    public IReadOnlySet<int>? AttentionLayers { get; init; }

    /// <summary>Compute the logits of all rows, not of the last only.</summary>
    public bool RecordAllLogits { get; init; }

    /// <summary>Stop after this layer (zero-based) and return no logits: calibration needs no more.</summary>
    public int? StopAfterLayer { get; init; }

    /// <summary>Hidden states by index, each [rows, D] flattened.</summary>
    public SortedDictionary<int, float[]> Hidden { get; } = [];

    /// <summary>Attention rows by layer, each [rows].</summary>
    public SortedDictionary<int, float[]> Attention { get; } = [];

    /// <summary>Logits of all rows, [rows, vocabulary] flattened.</summary>
    public float[]? Logits { get; internal set; }

    internal bool WantsAllRows => RecordHidden || RecordLastHidden || RecordAllLogits;

    internal bool WantsAttention(int layer) => RecordAttention && (AttentionLayers?.Contains(layer) ?? true);

    internal void AddHidden(int index, torch.Tensor hidden, bool last)
    {
        if (RecordHidden || (RecordLastHidden && last)) Hidden[index] = ToArray(hidden);
    }

    internal static float[] ToArray(torch.Tensor t)
    {
        using var scope = torch.NewDisposeScope();
        return [.. t.to(torch.ScalarType.Float32).cpu().contiguous().data<float>()];
    }
}
