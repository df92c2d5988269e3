using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>A linear map: weight [out, in] and an optional bias [out].</summary>
/// <param name="Weight">[out, in].</param>
/// <param name="Bias">[out] or null.</param>
public readonly record struct Linear(torch.Tensor Weight, torch.Tensor? Bias)
{
    /// <summary>x W^T + b.</summary>
    public torch.Tensor Forward(torch.Tensor x) =>
        Bias is null && BFloat16MatVec.Applies(x, Weight) ? BFloat16MatVec.Multiply(x, Weight) : torch.nn.functional.linear(x, Weight, Bias);

    /// <summary>Takes <c>name.weight</c> and, if asked, <c>name.bias</c>.</summary>
    public static Linear Take(ITensorSource source, string name, long outputs, long inputs, bool bias) =>
        new(source.Take(name + ".weight", [outputs, inputs]), bias ? source.Take(name + ".bias", [outputs]) : null);
}

/// <summary>Weights of one decoder layer.</summary>
public sealed class DecoderLayerWeights
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
        string Name(string part) => names.Layer(layer, part, "");
        var (q, kv) = (c.Heads * c.HeadDim, c.KvHeads * c.HeadDim);
        var norm = source.Take(names.Layer(layer, names.InputNorm), [c.HiddenSize]);
        var (query, key, value) = c.FusedQkv
            ? TakeFused(source, c, Name(names.Fused))
            : (Linear.Take(source, Name(names.Query), q, c.HiddenSize, c.QkvBias),
               Linear.Take(source, Name(names.Key), kv, c.HiddenSize, c.QkvBias),
               Linear.Take(source, Name(names.Value), kv, c.HiddenSize, c.QkvBias));
        return new DecoderLayerWeights
        {
            InputNorm = norm,
            Query = query,
            Key = key,
            Value = value,
            Output = Linear.Take(source, Name(names.Output), c.HiddenSize, q, c.OutputBias),
            MlpNorm = source.Take(names.Layer(layer, names.MlpNorm), [c.HiddenSize]),
            Gate = Linear.Take(source, Name(names.Gate), c.IntermediateSize, c.HiddenSize, c.MlpBias),
            Up = Linear.Take(source, Name(names.Up), c.IntermediateSize, c.HiddenSize, c.MlpBias),
            Down = Linear.Take(source, Name(names.Down), c.HiddenSize, c.IntermediateSize, c.MlpBias),
        };
    }

    /// <summary>InternLM2: rows grouped by KV head g as (r query heads, 1 key head, 1 value head) of d rows each.</summary>
    private static (Linear Query, Linear Key, Linear Value) TakeFused(ITensorSource source, DecoderConfig c, string name)
    {
        var (r, d, g) = (c.Heads / c.KvHeads, c.HeadDim, c.KvHeads);
        long rows = (long)g * (r + 2) * d;
        var weights = source.TakeSplit(name + ".weight", [rows, c.HiddenSize], w => Split(w, c.HiddenSize));
        var biases = c.QkvBias ? source.TakeSplit(name + ".bias", [rows], b => Split(b)) : null;
        return (new Linear(weights[0], biases?[0]), new Linear(weights[1], biases?[1]), new Linear(weights[2], biases?[2]));

        torch.Tensor[] Split(torch.Tensor t, params long[] tail)
        {
            using var view = t.reshape([g, r + 2, d, .. tail]);
            torch.Tensor Part(long start, long length)
            {
                using var part = view.narrow(1, start, length);
                using var contiguous = part.contiguous();
                return contiguous.reshape([g * length * d, .. tail]);
            }

            return [Part(0, r), Part(r, 1), Part(r + 1, 1)];
        }
    }
}
