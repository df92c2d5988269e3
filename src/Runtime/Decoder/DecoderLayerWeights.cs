using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>Weights of one decoder layer.</summary>
internal sealed class DecoderLayerWeights
{
    /// <summary>Norm before attention, [D].</summary>
    public required torch.Tensor InputNorm { get; init; }

    /// <summary>Query projection, [H*d, D].</summary>
    public required Linear Query { get; init; }

    /// <summary>Key projection, [KV*d, D].</summary>
    public required Linear Key { get; init; }

    /// <summary>Value projection, [KV*d, D].</summary>
    public required Linear Value { get; init; }

    /// <summary>Output projection, [D, H*d].</summary>
    public required Linear Output { get; init; }

    /// <summary>Norm before the MLP, [D].</summary>
    public required torch.Tensor MlpNorm { get; init; }

    /// <summary>Gate, [F, D].</summary>
    public required Linear Gate { get; init; }

    /// <summary>Up, [F, D].</summary>
    public required Linear Up { get; init; }

    /// <summary>Down, [D, F].</summary>
    public required Linear Down { get; init; }

    internal static DecoderLayerWeights Take(ITensorSource source, DecoderConfig c, DecoderNames names, int layer)
    {
        Linear Take(string part, long outputs, long inputs, bool bias) =>
            source.TakeLinear(names.Layer(layer, part, ""), outputs, inputs, bias, quantizable: true);
        var (q, kv) = (c.Heads * c.HeadDim, c.KvHeads * c.HeadDim);
        var norm = source.Take(names.Layer(layer, names.InputNorm), [c.HiddenSize]);
        var qkv = c.FusedQkv
            ? TakeFused(source, c, names.Layer(layer, names.Fused, ""))
            : [Take(names.Query, q, c.HiddenSize, c.QkvBias), Take(names.Key, kv, c.HiddenSize, c.QkvBias),
                Take(names.Value, kv, c.HiddenSize, c.QkvBias)];
        return new DecoderLayerWeights
        {
            InputNorm = norm,
            Query = qkv[0],
            Key = qkv[1],
            Value = qkv[2],
            Output = Take(names.Output, c.HiddenSize, q, c.OutputBias),
            MlpNorm = source.Take(names.Layer(layer, names.MlpNorm), [c.HiddenSize]),
            Gate = Take(names.Gate, c.IntermediateSize, c.HiddenSize, c.MlpBias),
            Up = Take(names.Up, c.IntermediateSize, c.HiddenSize, c.MlpBias),
            Down = Take(names.Down, c.HiddenSize, c.IntermediateSize, c.MlpBias),
        };
    }

    /// <summary>InternLM2: rows grouped by KV head g as (r query heads, 1 key head, 1 value head) of d rows each.</summary>
    private static Linear[] TakeFused(ITensorSource source, DecoderConfig c, string name)
    {
        var (r, d, groups) = (c.Heads / c.KvHeads, c.HeadDim, c.KvHeads);
        RowRange[] Rows(int head, int heads) =>
            [.. Enumerable.Range(0, groups).Select(g => new RowRange(((long)g * (r + 2) + head) * d, (long)heads * d))];
        return source.TakeLinears(
            name, (long)groups * (r + 2) * d, c.HiddenSize, c.QkvBias, [Rows(0, r), Rows(r, 1), Rows(r + 1, 1)], quantizable: true);
    }
}
