using D2Pruner.AI.Runtime.Kernels;

namespace D2Pruner.AI.Benchmarks;

/// <summary>Random weights of a geometry in one precision, with the decode step over them and caches filled to any length.</summary>
internal sealed unsafe class DecodeModel : IDisposable
{
    public const int MaxRows = 16;
    private readonly List<IDisposable> _owned = [];
    private readonly List<KernelMatrix> _matrices = [];
    private readonly DecodeGeometry _g;
    private readonly CpuDecoder _decoder;
    private readonly CpuDecodeStep _step;
    private readonly Random _random = new(5);

    /// <param name="geometry">Sizes.</param>
    /// <param name="precision">bf16, int8, int4 (groups of 128) or int4-a8 (its activations in 8 bits). The head of the quantized ones has 8
    /// bits (the option QuantizeHead).</param>
    /// <param name="team">The threads.</param>
    public DecodeModel(DecodeGeometry geometry, string precision, WorkerTeam team)
    {
        (_g, Precision) = (geometry, precision);
        var (d, f, q) = (geometry.Hidden, geometry.Intermediate, geometry.Heads * geometry.HeadDim);
        float[] ones = [.. Enumerable.Repeat(1f, d)];
        var distinct = Enumerable.Range(0, geometry.Distinct).Select(_ => new CpuDecoderLayer
        {
            InputNorm = ones,
            MlpNorm = ones,
            Query = Make(precision, q, d),
            Key = Make(precision, q, d),
            Value = Make(precision, q, d),
            Output = Make(precision, d, q),
            Gate = Make(precision, f, d),
            Up = Make(precision, f, d),
            Down = Make(precision, d, f),
        }).ToArray();
        LayerMatrices = [.. _matrices];
        _decoder = new CpuDecoder
        {
            HiddenSize = d,
            IntermediateSize = f,
            Heads = geometry.Heads,
            KvHeads = geometry.Heads,
            HeadDim = geometry.HeadDim,
            NormEps = 1e-5f,
            Embedding = Make("bf16", DecodeGeometry.Vocabulary, d),
            Layers = [.. Enumerable.Range(0, geometry.Layers).Select(i => distinct[i % distinct.Length])],
            FinalNorm = ones,
            Head = Make(precision == "bf16" ? "bf16" : "int8", DecodeGeometry.Vocabulary, d),
        };
        _step = new CpuDecodeStep(_decoder, team, MaxRows);
    }

    public string Precision { get; }

    /// <summary>The distinct layers' matrices: the pages on which the read rate is measured.</summary>
    public IReadOnlyList<KernelMatrix> LayerMatrices { get; }

    /// <summary>Bytes of all layers' weights, the head and the embedding.</summary>
    public long WeightBytes => StepBytes(0) + _decoder.Embedding.Bytes;

    /// <summary>Bytes that a step of one sequence reads: weights once, and its cache.</summary>
    public long StepBytes(int context) => LayerMatrices.Sum(m => m.Bytes) / _g.Distinct * _g.Layers + _decoder.Head.Bytes
        + 2L * _g.Layers * _g.Heads * _g.HeadDim * 2 * context;

    /// <summary>Sequences at a context.</summary>
    public SequenceRow[] Rows(int count, int context)
    {
        var rows = new SequenceRow[count];
        for (var b = 0; b < count; b++)
        {
            rows[b] = new SequenceRow
            {
                Token = 7 + b,
                Cos = [.. Enumerable.Repeat(0.8f, _g.HeadDim / 2)],
                Sin = [.. Enumerable.Repeat(0.6f, _g.HeadDim / 2)],
                Kv = new FixedCache(this, context),
                Logits = new float[DecodeGeometry.Vocabulary],
            };
        }

        return rows;
    }

    public void Step(SequenceRow[] rows) => _step.Run(rows);

    public void Dispose()
    {
        _step.Dispose();
        foreach (var o in _owned) o.Dispose();
    }

    private KernelMatrix Make(string precision, int outputs, int inputs)
    {
        KernelMatrix m;
        if (precision == "bf16")
        {
            var buffer = Native(2L * outputs * inputs);
            FillSmall((ushort*)buffer, (long)outputs * inputs);
            m = KernelMatrix.Dense(buffer, outputs, inputs, true, 0, null);
        }
        else
        {
            var bits = precision == "int8" ? 8 : 4;
            var codes = new byte[outputs * inputs];
            _random.NextBytes(codes);
            if (bits == 4)
            {
                for (var i = 0; i < codes.Length; i++) codes[i] &= 15;
            }

            var group = bits == 8 ? inputs : 128;
            float[] scales = [.. Enumerable.Repeat(bits == 8 ? 0.0003f : 0.005f, outputs * (inputs / group))];
            m = KernelMatrix.Pack(new QuantizedMatrix { Outputs = outputs, Inputs = inputs, Bits = bits, Codes = codes, Scales = scales,
                GroupSize = group }, null, [], precision == "int4-a8" ? 8 : 16);
            _owned.Add(m);
        }

        _matrices.Add(m);
        return m;
    }

    private nint Native(long bytes)
    {
        var buffer = new NativeBuffer(bytes);
        _owned.Add(buffer);
        return (nint)buffer.Pointer;
    }

    // bfloat16 of about one hundredth, of both signs.
    private void FillSmall(ushort* to, long count)
    {
        var state = (ulong)_random.NextInt64() | 1;
        for (long i = 0; i < count; i++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            to[i] = (ushort)((state & 0x807F) | 0x3C00);
        }
    }

    // A cache that stays at its length: every measured step has the same context.
    private sealed class FixedCache(DecodeModel model, int context) : IKvRows
    {
        private readonly (nint Keys, nint Values)[] _layers =
            [.. Enumerable.Range(0, model._g.Distinct).Select(_ => (model.Cache(context), model.Cache(context)))];

        public KvRows Reserve(int layer) =>
            new(_layers[layer % _layers.Length].Keys, _layers[layer % _layers.Length].Values, context, context + 1, true);

        public void Advance()
        {
        }
    }

    private nint Cache(int context)
    {
        var count = (long)_g.Heads * (context + 1) * _g.HeadDim;
        var buffer = Native(2 * count);
        FillSmall((ushort*)buffer, count);
        return buffer;
    }
}
