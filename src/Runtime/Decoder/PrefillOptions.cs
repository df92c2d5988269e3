using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>How a prompt is read.</summary>
internal sealed record PrefillOptions
{
    /// <summary>The pruner; null prunes nothing.</summary>
    public IVisualTokenPruner? Pruner { get; init; }

    /// <summary>Per stage of the pruner's schedule: n per image.</summary>
    public IReadOnlyList<int[]> Budgets { get; init; } = [];

    /// <summary>The prior; null is uniform.</summary>
    public PositionalBiasPrior? Prior { get; init; }

    /// <summary>Evict dropped tokens from the layers before the prune point too.</summary>
    public bool EvictEarlyKv { get; init; } = true;

    /// <summary>Tokens to leave room for in the cache.</summary>
    public int Room { get; init; } = 256;

    /// <summary>Most tokens of the answer: the cache grows no further.</summary>
    public int Answer { get; init; } = int.MaxValue;

    /// <summary>What is already known of the prompt's beginning; null reads all of it.</summary>
    public PrefixUse? Reuse { get; init; }

    /// <summary>
    /// An experiment: the tokens that an earlier question's pruning left, to which this question's choice is added; needs
    /// <see cref="Reuse"/> up to the prune point and a pruner of one stage that merges nothing.
    /// </summary>
    public PrefixUse? Grow { get; init; }

    /// <summary>Prompt tokens whose state before the prune point is copied into
    /// <see cref="PrefillOutput.Prefix"/>; 0 copies nothing.</summary>
    public int KeepPrefix { get; init; }

    /// <summary>Told of borders between slices of work and of pruning; null for nobody.</summary>
    public IPrefillObserver? Observer { get; init; }

    /// <summary>Records intermediate results.</summary>
    public ForwardTrace? Trace { get; init; }

    /// <summary>Gather and compact even when a stage keeps everything (to test that this changes nothing).</summary>
    internal bool ForceGather { get; init; }
}
