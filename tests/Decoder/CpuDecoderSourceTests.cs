using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Kernels;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Decoder;

/// <summary>The decode step against the layers as libtorch computes them, on the shipped demo model.</summary>
[Collection(TorchCollection.Name)]
public sealed class CpuDecoderSourceTests
{
    [Theory]
    [InlineData(ModelPrecision.Float32, ModelQuantization.None, 1e-4)]
    [InlineData(ModelPrecision.Float32, ModelQuantization.Int8, 1e-4)]
    [InlineData(ModelPrecision.Float32, ModelQuantization.Int4, 1e-4)]
    [InlineData(ModelPrecision.BFloat16, ModelQuantization.None, 0.1)] // libtorch rounds between its operators
    public unsafe void Steps_GiveTheLayersLogits(ModelPrecision precision, ModelQuantization quantization, double tolerance)
    {
        using var model = ModelLoader.LoadModel(
            new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu", Precision = precision,
                Quantization = quantization });
        var (c, w) = (model.Decoder.Config, model.Decoder.Weights);
        int[] tokens = [5, 17, 300, 41, 8, 900, 77, 3];
        var expected = Logits(model.Decoder, tokens);
        using var team = new WorkerTeam(2);
        using var step = new CpuDecodeStep(CpuDecoderSource.TryCreate(c, w)!, team);
        using var cache = new Cache(c);
        using var frequencies = Rotary.InverseFrequencies(c.HeadDim, c.RopeTheta, CPU);
        float[] inverse = [.. frequencies.data<float>()];
        var row = new SequenceRow { Token = 0, Cos = new float[c.HeadDim / 2], Sin = new float[c.HeadDim / 2], Kv = cache,
            Logits = new float[c.VocabularySize] };
        var largest = expected.Max(e => e.Max(MathF.Abs));
        for (var t = 0; t < tokens.Length; t++)
        {
            row.Token = tokens[t];
            RotaryRow.Fill(t, inverse, row.Cos, row.Sin);
            step.Run([row]);
            for (var i = 0; i < row.Logits.Length; i++)
                Assert.InRange(row.Logits[i], expected[t][i] - tolerance * largest, expected[t][i] + tolerance * largest);
        }
    }

    /// <summary>The cache's type follows from the one, the step from the other.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheStep_IsMadeWhereverItApplies(bool transposed)
    {
        using var scope = NewDisposeScope();
        var c = new DecoderConfig
        {
            HiddenSize = 64, IntermediateSize = 64, Layers = 1, Heads = 4, KvHeads = 4, HeadDim = 16, VocabularySize = 8,
            RmsNormEps = 1e-6, RopeTheta = 10_000, MaxPositions = 16, TieWordEmbeddings = true,
        };
        // 2 GiB, more than a span can hold; of addresses only, nobody writes to it.
        var embedding = transposed ? zeros([64, 8], ScalarType.BFloat16).transpose(0, 1) : empty([1 << 24, 64], ScalarType.BFloat16);
        var weights = DecoderWeights.Take(new Source(embedding), c, new DecoderNames { Prefix = "", Head = "head" });
        using var decoder = new TextDecoder(c, weights);
        var made = CpuDecoderSource.TryCreate(c, weights);
        Assert.Equal(!transposed, made is not null);
        Assert.Equal(made is not null, CpuDecoderSource.Applies(c, weights));
        Assert.Equal(made is not null, decoder.KvType == ScalarType.BFloat16);
        Assert.Equal(transposed ? 0 : 1 << 24, made?.Embedding.Outputs ?? 0);
    }

    private sealed class Source(Tensor embedding) : ITensorSource
    {
        public Tensor Take(string name, long[] shape) =>
            name == "embed_tokens.weight" ? embedding : zeros(shape, ScalarType.BFloat16);

        public Tensor? TakeOptional(string name, long[] shape) => null;

        public Tensor[] TakeSplit(string name, long[] shape, Func<Tensor, Tensor[]> split) => split(Take(name, shape));

        // Small, as a quantized one would be.
        public StoredLinear TakeHead(Tensor weight) => new(zeros([8, 64], ScalarType.BFloat16), null);
    }

    private static float[][] Logits(TextDecoder decoder, int[] tokens)
    {
        using var scope = NewDisposeScope();
        using var none = inference_mode();
        var (cos, sin) = decoder.RotaryTable([[.. Enumerable.Range(0, tokens.Length).Select(i => (long)i)]]);
        var x = decoder.Embed(Array.ConvertAll(tokens, t => (long)t));
        foreach (var layer in decoder.Weights.Layers)
            x = DecoderLayer.Forward(x, layer, decoder.Config, cos, sin, (q, k, v) => Attention.Fused(q, k, v, causal: true));
        var all = decoder.Head(decoder.FinalNorm(x));
        return [.. Enumerable.Range(0, tokens.Length).Select(i => all.narrow(1, i, 1).reshape(-1).data<float>().ToArray())];
    }

    private sealed unsafe class Cache(DecoderConfig c) : IKvRows, IDisposable
    {
        private const int Capacity = 16;
        private readonly NativeBuffer[] _buffers =
            [.. Enumerable.Range(0, 2 * c.Layers).Select(_ => new NativeBuffer(4L * c.KvHeads * Capacity * c.HeadDim))];
        private int _length;

        public KvRows Reserve(int layer) =>
            new((nint)_buffers[2 * layer].Pointer, (nint)_buffers[2 * layer + 1].Pointer, _length, Capacity, false);

        public void Advance() => _length++;

        public void Dispose()
        {
            foreach (var b in _buffers) b.Dispose();
        }
    }
}
