using D2Pruner.AI.Pruning;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>
/// What is known of a prompt's first tokens, whatever follows them. Before the prune point: keys and values of layers 0..K-1 and the hidden
/// states after layer K-1 (K = L has no hidden states). Frozen: keys and values of all layers of an answered
/// prompt, with the tokens that its pruning kept.
/// </summary>
internal sealed class PromptPrefix : IDisposable
{
    /// <summary>Prompt tokens that it covers.</summary>
    public required int Length { get; init; }

    /// <summary>K: layers whose keys and values are held; L for unpruned and frozen prompts.</summary>
    public required int Layers { get; init; }

    /// <summary>The keys and values.</summary>
    public required KvCache Cache { get; init; }

    /// <summary>Hidden states after layer K-1, [1, Length, D]; null where K = L.</summary>
    public torch.Tensor? Hidden { get; init; }

    /// <summary>Frozen prompts: what pruning did; null where every token is held.</summary>
    public FrozenChoice? Frozen { get; init; }

    /// <summary>Per image in it: what selections computed of it alone, e.g. its similarity graph.</summary>
    public IReadOnlyList<PruningMemo> Memos { get; init; } = [];

    /// <summary>Bytes held.</summary>
    public long Bytes => Cache.CapacityBytes + (Hidden is { } h ? h.NumberOfElements * h.element_size() : 0) + Memos.Sum(m => m.Bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        Cache.Dispose();
        Hidden?.Dispose();
    }
}

/// <summary>The tokens that an earlier question's pruning left.</summary>
/// <param name="Positions">Prompt positions held by the layers from K on, ascending, [M].</param>
/// <param name="EarlyLayers">Layers below K that still hold every token; 0 where early keys and values were evicted.</param>
/// <param name="Images">What happened to each image.</param>
internal sealed record FrozenChoice(int[] Positions, int EarlyLayers, IReadOnlyList<ImageReduction> Images);

/// <summary>The use of a prefix by one prompt.</summary>
/// <param name="Prefix">The prefix; lent, not owned.</param>
/// <param name="Length">Tokens to take from it, at most its own and fewer than the prompt's; never the middle of an image.</param>
internal sealed record PrefixUse(PromptPrefix Prefix, int Length);
