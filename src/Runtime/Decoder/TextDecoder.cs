using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Kernels;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>The one decoder of all families: embeddings in, hidden states and logits out. Prefill is driven
/// by <see cref="PromptForward"/>.</summary>
internal sealed class TextDecoder : IDisposable
{
    private readonly Tensor _inverseFrequencies;
    private readonly bool _ownStep;
    private CpuStepper? _cpu;

    /// <summary>Creates a decoder over weights that somebody else owns.</summary>
    /// <param name="config">Sizes and switches.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="float32Kv">On CPU, keep keys and values in fp32 under bfloat16 weights too.</param>
    public TextDecoder(DecoderConfig config, DecoderWeights weights, bool float32Kv = false)
    {
        Config = config;
        Weights = weights;
        _inverseFrequencies = Rotary.InverseFrequencies(config.HeadDim, config.RopeTheta, weights.Embedding.device)
            .DetachFromDisposeScope();
        // The step of our own reads bfloat16 as fast as anything; libtorch's attention over it is slow on CPU.
        _ownStep = CpuDecoderSource.Applies(config, weights);
        KvType = _ownStep && DType == ScalarType.BFloat16 && !float32Kv ? ScalarType.BFloat16 : Attention.ComputeType(Device, DType);
    }

    /// <summary>Sizes and switches.</summary>
    public DecoderConfig Config { get; }

    /// <summary>The weights.</summary>
    public DecoderWeights Weights { get; }

    /// <summary>Where the weights are.</summary>
    public Device Device => Weights.Embedding.device;

    /// <summary>Type of weights and hidden states.</summary>
    public ScalarType DType => Weights.Embedding.dtype;

    /// <summary>Type of the KV cache: the model's, or fp32 on CPU where asked for or where the step of our own does not apply.</summary>
    public ScalarType KvType { get; }

    /// <summary>KV bytes of one token over all layers.</summary>
    public long KvBytesPerToken => 2L * Config.Layers * Config.KvHeads * Config.HeadDim * (KvType == ScalarType.Float32 ? 4 : 2);

    /// <summary>Token embeddings, [1, N, D].</summary>
    public Tensor Embed(ReadOnlySpan<long> ids)
    {
        using var index = tensor(ids.ToArray()).MovedTo(Device);
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

    /// <summary>One decode step of one sequence.</summary>
    /// <param name="cache">The sequence's cache; grows by one token in every layer.</param>
    /// <param name="tokenId">The token to feed.</param>
    /// <param name="position">Its position id, equal in all rows: a counter, never a cache length.</param>
    /// <param name="logits">Receives the fp32 logits, [vocabulary].</param>
    public void Step(KvCache cache, int tokenId, long position, float[] logits) => Step([new DecodeRow(cache, tokenId, position, logits)]);

    /// <summary>
    /// One decode step of B sequences: their rows go through norms and linears together, attention runs
    /// over each one's own cache. All or nothing:
    /// when it throws, every cache is as it was before.
    /// </summary>
    /// <param name="rows">One row a sequence.</param>
    public void Step(IReadOnlyList<DecodeRow> rows)
    {
        var marks = rows.Select(r => r.Cache.Mark()).ToArray();
        try
        {
            // The kernels on CPU give each of up to this many rows what it gives alone; more go in groups. Elsewhere a group would only
            // read all weights once more.
            var most = Device.type == DeviceType.CPU ? MatrixKernel.MaxRows : Math.Max(1, rows.Count);
            foreach (var group in rows.Chunk(most))
            {
                if (DenseLinear.KernelsEnabled && Stepper() is { } cpu) cpu.Run(group);
                else StepGroup(group);
            }
        }
        catch
        {
            for (var b = 0; b < rows.Count; b++) rows[b].Cache.Rewind(marks[b]);
            throw;
        }
    }

    private void StepGroup(DecodeRow[] rows)
    {
        using var scope = NewDisposeScope();
        long[] positions = [.. rows.Select(r => r.Position)];
        var (cos, sin) = RotaryTable([positions, .. Config.MropeSections is null ? [] : new long[][] { positions, positions }]);
        (cos, sin) = (cos.reshape(rows.Length, 1, 1, -1), sin.reshape(rows.Length, 1, 1, -1));
        var x = Embed([.. rows.Select(r => (long)r.TokenId)]).transpose(0, 1);
        for (var i = 0; i < Config.Layers; i++)
        {
            var layer = i;
            x = DecoderLayer.Forward(x, Weights.Layers[i], Config, cos, sin, (q, k, v) => Attend(rows, layer, q, k, v));
        }

        using var logits = Head(FinalNorm(x)).cpu();
        for (var b = 0; b < rows.Length; b++) CopyLogits(logits.narrow(0, b, 1), rows[b].Logits);
    }

    private Tensor Attend(IReadOnlyList<DecodeRow> rows, int layer, Tensor q, Tensor k, Tensor v)
    {
        var results = new Tensor[rows.Count];
        for (var b = 0; b < rows.Count; b++)
        {
            rows[b].Cache.Append(layer, k.narrow(0, b, 1), v.narrow(0, b, 1), KvType);
            var (keys, values) = rows[b].Cache.View(layer);
            results[b] = Attention.Decode(q.narrow(0, b, 1), keys, values);
        }

        return results.Length == 1 ? results[0] : cat(results, 0);
    }

    /// <summary>Copies one row of logits to the host.</summary>
    internal static void CopyLogits(Tensor row, float[] logits)
    {
        using var host = row.cpu();
        using var flat = host.reshape(-1);
        flat.data<float>().CopyTo(logits);
    }

    // Made at the first step, by the one thread that steps; where memory ran out for it, the next step tries again.
    private CpuStepper? Stepper()
    {
        if (_cpu is not null || !_ownStep || CpuDecoderSource.TryCreate(Config, Weights) is not { } decoder) return _cpu;
        return _cpu = new CpuStepper(
            decoder, [.. _inverseFrequencies.data<float>()], Math.Min(get_num_threads(), Environment.ProcessorCount));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cpu?.Dispose();
        _inverseFrequencies.Dispose();
    }
}
