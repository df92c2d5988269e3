using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>The one decoder of all families: embeddings in, hidden states and logits out. Prefill is driven by <see cref="PromptForward"/>.</summary>
public sealed class TextDecoder : IDisposable
{
    private readonly Tensor _inverseFrequencies;

    /// <summary>Creates a decoder over weights that somebody else owns.</summary>
    public TextDecoder(DecoderConfig config, DecoderWeights weights)
    {
        Config = config;
        Weights = weights;
        _inverseFrequencies = Rotary.InverseFrequencies(config.HeadDim, config.RopeTheta, weights.Embedding.device).DetachFromDisposeScope();
        KvType = Attention.ComputeType(Device, DType);
    }

    /// <summary>Sizes and switches.</summary>
    public DecoderConfig Config { get; }

    /// <summary>The weights.</summary>
    public DecoderWeights Weights { get; }

    /// <summary>Where the weights are.</summary>
    public Device Device => Weights.Embedding.device;

    /// <summary>Type of weights and hidden states.</summary>
    public ScalarType DType => Weights.Embedding.dtype;

    /// <summary>Type of the KV cache: fp32 on CPU, the model's elsewhere.</summary>
    public ScalarType KvType { get; }

    /// <summary>KV bytes of one token over all layers.</summary>
    public long KvBytesPerToken => 2L * Config.Layers * Config.KvHeads * Config.HeadDim * (KvType == ScalarType.Float32 ? 4 : 2);

    /// <summary>Token embeddings, [1, N, D].</summary>
    public Tensor Embed(ReadOnlySpan<long> ids)
    {
        using var index = tensor(ids.ToArray(), device: Device);
        using var rows = Weights.Embedding.index_select(0, index);
        return rows.unsqueeze(0);
    }

    /// <summary>Cosines and sines of positions, each [N, d] in the model's type.</summary>
    public (Tensor Cos, Tensor Sin) RotaryTable(long[][] positions) =>
        Rotary.Table(positions, _inverseFrequencies, Config.MropeSections, DType);

    /// <summary>Final norm, [B, n, D].</summary>
    public Tensor FinalNorm(Tensor hidden) => Norms.Rms(hidden, Weights.FinalNorm, Config.RmsNormEps);

    /// <summary>Logits in fp32 of already normed hidden states, [B, n, vocabulary].</summary>
    public Tensor Head(Tensor normed)
    {
        using var logits = Weights.Head.Forward(normed);
        return logits.to(ScalarType.Float32, copy: true);
    }

    /// <summary>One decode step over the cache.</summary>
    /// <param name="cache">The sequence's cache; grows by one token in every layer.</param>
    /// <param name="tokenId">The token to feed.</param>
    /// <param name="position">Its position id, equal in all rows: a counter, never a cache length.</param>
    /// <param name="logits">Receives the fp32 logits, [vocabulary].</param>
    /// <param name="cancellationToken">Observed between layers.</param>
    public void Step(KvCache cache, int tokenId, long position, float[] logits, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var (cos, sin) = RotaryTable([[position], .. Config.MropeSections is null ? [] : new long[][] { [position], [position] }]);
        var x = Embed([tokenId]);
        for (var i = 0; i < Config.Layers; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var layer = i;
            x = DecoderLayer.Forward(x, Weights.Layers[i], Config, cos, sin, (q, k, v) =>
            {
                cache.Append(layer, k, v, KvType);
                var (keys, values) = cache.View(layer);
                return Attention.Decode(q, keys, values);
            });
        }

        CopyLogits(Head(FinalNorm(x)), logits);
    }

    /// <summary>Copies one row of logits to the host.</summary>
    internal static void CopyLogits(Tensor row, float[] logits)
    {
        using var host = row.cpu();
        using var flat = host.reshape(-1);
        flat.data<float>().CopyTo(logits);
    }

    /// <inheritdoc/>
    public void Dispose() => _inverseFrequencies.Dispose();
}
