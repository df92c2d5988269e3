namespace D2Pruner.AI.Evaluation.Statistics;

/// <summary>What a prefill costs by arithmetic: tokens, FLOPs, and keys and values that stay.</summary>
internal sealed record PrefillCost(
    int VisualTokens, int Kept, double AverageTokensPerLayer, double Flops, double SpeedUpLimit, long KvBytes)
{
    /// <summary>The cost of a prompt.</summary>
    /// <param name="c">The decoder.</param>
    /// <param name="visual">Visual tokens before pruning.</param>
    /// <param name="text">The other tokens of the prompt.</param>
    /// <param name="kept">Visual tokens left behind layer i, for every layer i.</param>
    /// <param name="kvBytesPerToken">Bytes of one token in the caches of all layers.</param>
    /// <param name="evict">Whether dropped tokens leave the caches of earlier layers too.</param>
    public static PrefillCost Of(
        Runtime.Decoder.DecoderConfig c, int visual, int text, IReadOnlyList<int> kept, long kvBytesPerToken, bool evict = true)
    {
        double full = 0, flops = 0, tokens = 0;
        for (var layer = 0; layer < c.Layers; layer++)
        {
            var seen = layer == 0 ? kept[0] : kept[layer];
            full += Layer(c, visual + text);
            flops += Layer(c, seen + text);
            tokens += seen;
        }

        var last = kept[^1];
        var held = evict ? (last + text) * kvBytesPerToken : kept.Sum(k => (k + text) * kvBytesPerToken / c.Layers);
        return new PrefillCost(visual, last, tokens / c.Layers, flops, full / flops, held);
    }

    // Two FLOPs a multiply-add: projections, attention over all pairs (a causal kernel does half of these), gated MLP.
    private static double Layer(Runtime.Decoder.DecoderConfig c, double n)
    {
        double d = c.Heads * (double)c.HeadDim, g = (double)c.KvHeads / c.Heads;
        return 2 * ((2 + 2 * g) * n * d * d + 2 * n * n * d + 3 * n * d * c.IntermediateSize);
    }
}
