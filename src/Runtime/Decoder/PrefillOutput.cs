using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>A prompt that has been read.</summary>
internal sealed class PrefillOutput : IDisposable
{
    internal PrefillOutput(KvCache cache, float[] logits, PromptReductionState state) => (Cache, Logits, State) = (cache, logits, state);

    /// <summary>Keys and values; the caller goes on with them.</summary>
    public KvCache Cache { get; }

    /// <summary>Logits of the last prompt token, [vocabulary] fp32; empty when the trace stopped early.</summary>
    public float[] Logits { get; }

    /// <summary>What is left of the prompt.</summary>
    public PromptReductionState State { get; }

    /// <summary>Per image: the last stage's outcome; empty when nothing was pruned.</summary>
    public IReadOnlyList<ImageReduction> Images { get; internal init; } = [];

    /// <summary>Per image: attention of the last prompt token to each candidate at the first stage, [V], or null.</summary>
    public IReadOnlyList<float[]?> Attention { get; internal init; } = [];

    /// <summary>Per image: the resized prior at the first stage, [V], or null.</summary>
    public IReadOnlyList<float[]?> Priors { get; internal init; } = [];

    /// <summary>The prompt's beginning as it was before the prune point, where <see cref="PrefillOptions.KeepPrefix"/>
    /// asked for it; the caller owns it.</summary>
    public PromptPrefix? Prefix { get; internal set; }

    /// <summary>Layers from which dropped tokens are missing although the layers before still hold them: K where early
    /// keys were not evicted, else 0.</summary>
    public int EarlyLayers { get; internal init; }

    /// <summary>Somebody else owns <see cref="Prefix"/> now.</summary>
    internal void ReleasePrefix() => Prefix = null;

    /// <inheritdoc/>
    public void Dispose()
    {
        Cache.Dispose();
        Prefix?.Dispose();
    }
}
