using System.Reflection;
using D2Pruner.AI.Runtime.Kernels;
using Xunit;

namespace D2Pruner.AI.Tests.Kernels;

/// <summary>The whole step on a small random decoder: against fp64, each sequence alone and among fifteen others,
/// with one thread and with three.</summary>
public sealed unsafe class CpuDecodeStepTests : IDisposable
{
    private const int D = 64;
    private const int F = 96;
    private const int HeadDim = 16;
    private const int Heads = 4;
    private const int KvHeads = 2;
    private const int Vocabulary = 50;
    private const int Layers = 2;
    private readonly List<IDisposable> _owned = [];
    private readonly Random _random = new(11);

    public void Dispose()
    {
        foreach (var o in _owned) o.Dispose();
    }

    [Theory]
    [InlineData(KernelMatrixKind.Float32, false, 1e-5)]
    [InlineData(KernelMatrixKind.BFloat16, true, 2e-2)] // the cache holds bfloat16
    [InlineData(KernelMatrixKind.Int8, false, 3e-4)] // activations of 16 bits
    [InlineData(KernelMatrixKind.Int4, false, 3e-4)]
    internal void Step_EqualsFp64(KernelMatrixKind kind, bool bfloat16Kv, double tolerance)
    {
        var model = new Model(this, kind);
        using var team = new WorkerTeam(2);
        using var step = new CpuDecodeStep(model.Decoder, team);
        var sequence = new Sequence(this, bfloat16Kv);
        var reference = new Reference(model);
        for (var t = 0; t < 6; t++)
        {
            var row = sequence.Row(t * 5 % Vocabulary);
            step.Run([row]);
            var expected = reference.Step(row.Token, row.Cos, row.Sin);
            var scale = expected.Max(Math.Abs);
            for (var i = 0; i < Vocabulary; i++)
                Assert.InRange(row.Logits[i], expected[i] - tolerance * scale, expected[i] + tolerance * scale);
        }
    }

    [Theory]
    [InlineData(KernelMatrixKind.Float32, false)]
    [InlineData(KernelMatrixKind.BFloat16, true)]
    [InlineData(KernelMatrixKind.Int8, true)]
    [InlineData(KernelMatrixKind.Int4, true)]
    internal void EverySequence_GivesWhatItGivesAlone_BitForBit(KernelMatrixKind kind, bool bfloat16Kv)
    {
        var model = new Model(this, kind);
        using var one = new WorkerTeam(1);
        using var three = new WorkerTeam(3);
        using var alone = new CpuDecodeStep(model.Decoder, one);
        using var together = new CpuDecodeStep(model.Decoder, three);
        for (var rows = 1; rows <= 16; rows += 3)
        {
            Sequence[] a = [.. Enumerable.Range(0, rows).Select(_ => new Sequence(this, bfloat16Kv))],
                b = [.. a.Select(_ => new Sequence(this, bfloat16Kv))];
            for (var t = 0; t < 5; t++)
            {
                SequenceRow[] expected = [.. a.Select((s, i) => s.Row((7 * i + 3 * t) % Vocabulary))];
                foreach (var row in expected) alone.Run([row]);
                SequenceRow[] actual = [.. b.Select((s, i) => s.Row((7 * i + 3 * t) % Vocabulary))];
                together.Run(actual);
                for (var i = 0; i < rows; i++) Assert.Equal(expected[i].Logits, actual[i].Logits);
            }
        }
    }

    [Fact]
    public void Lanes_OfEveryWidth_Agree()
    {
        var model = new Model(this, KernelMatrixKind.BFloat16);
        using var team = new WorkerTeam(2);
        float[] Run(CpuDecodeStep step)
        {
            using (step)
            {
                var sequence = new Sequence(this, false);
                var logits = new float[Vocabulary];
                for (var t = 0; t < 4; t++)
                {
                    var row = sequence.Row(t);
                    step.Run([row]);
                    logits = row.Logits;
                }

                return logits;
            }
        }

        var plain = Run(CpuDecodeStep.Of<Lanes1>(model.Decoder, team));
        void Same(float[] other)
        {
            for (var i = 0; i < Vocabulary; i++) Assert.InRange(other[i], plain[i] - 1e-4f, plain[i] + 1e-4f);
        }

        if (Lanes128.IsSupported) Same(Run(CpuDecodeStep.Of<Lanes128>(model.Decoder, team)));
        if (Lanes256.IsSupported) Same(Run(CpuDecodeStep.Of<Lanes256>(model.Decoder, team)));
        if (Lanes512.IsSupported) Same(Run(CpuDecodeStep.Of<Lanes512>(model.Decoder, team)));
    }

    [Fact]
    public void Steps_AllocateNothing()
    {
        var model = new Model(this, KernelMatrixKind.Int4);
        using var team = new WorkerTeam(2);
        using var step = new CpuDecodeStep(model.Decoder, team);
        var sequence = new Sequence(this, true);
        SequenceRow[] rows = [sequence.Row(1)];
        step.Run(rows);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 8; i++) step.Run(rows);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void FullCaches_AndUnknownTokens_AreRefused()
    {
        var model = new Model(this, KernelMatrixKind.BFloat16);
        using var team = new WorkerTeam(1);
        using var step = new CpuDecodeStep(model.Decoder, team, 2);
        var sequence = new Sequence(this, true);
        Assert.Throws<ArgumentOutOfRangeException>(() => step.Run([sequence.Row(Vocabulary)]));
        Assert.Throws<ArgumentException>(() => step.Run([]));
        Assert.Throws<ArgumentException>(() => step.Run([sequence.Row(0), sequence.Row(0), sequence.Row(0)]));
        for (var i = 0; i < Sequence.Capacity; i++) step.Run([sequence.Row(0)]);
        Assert.Throws<ArgumentException>(() => step.Run([sequence.Row(0)]));
    }

    [Fact]
    public void ScratchThatCouldNotGrow_IsMadeAnew()
    {
        const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        var model = new Model(this, KernelMatrixKind.BFloat16);
        using var team = new WorkerTeam(1);
        using var step = new CpuDecodeStep(model.Decoder, team);
        var member = ((Array)typeof(CpuDecodeStep).GetField("_members", Own)!.GetValue(step)!).GetValue(0)!;
        void Reserve(long floats) => member.GetType().GetMethod("Reserve", Own)!.Invoke(member, [floats]);
        Reserve(64);
        var e = Assert.Throws<TargetInvocationException>(() => Reserve(1L << 58)); // more than there are addresses
        Assert.IsType<OutOfMemoryException>(e.InnerException);
        Reserve(64);
        var scratch = (NativeBuffer)member.GetType().GetField("_scratch", Own)!.GetValue(member)!;
        Assert.True(scratch.Pointer != null);
    }

    private sealed class Model
    {
        public readonly CpuDecoder Decoder;
        public readonly Dictionary<KernelMatrix, float[]> Weights = [];
        private readonly CpuDecodeStepTests _test;

        public Model(CpuDecodeStepTests test, KernelMatrixKind kind)
        {
            _test = test;
            KernelMatrix M(int outputs, int inputs, bool bias = false) => Make(kind, outputs, inputs, bias);
            float[] Norm() => [.. Enumerable.Range(0, D).Select(_ => 0.5f + test._random.NextSingle())];
            var kv = KvHeads * HeadDim;
            Decoder = new CpuDecoder
            {
                HiddenSize = D,
                IntermediateSize = F,
                Heads = Heads,
                KvHeads = KvHeads,
                HeadDim = HeadDim,
                NormEps = 1e-6f,
                Embedding = Make(KernelMatrixKind.BFloat16, Vocabulary, D, false),
                Layers = [.. Enumerable.Range(0, Layers).Select(_ => new CpuDecoderLayer
                {
                    InputNorm = Norm(),
                    MlpNorm = Norm(),
                    Query = M(Heads * HeadDim, D, bias: true),
                    Key = Make(KernelMatrixKind.BFloat16, kv, D, bias: true), // another kind than its neighbours
                    Value = M(kv, D, bias: true),
                    Output = M(D, Heads * HeadDim),
                    Gate = M(F, D),
                    Up = M(F, D),
                    Down = M(D, F),
                })],
                FinalNorm = Norm(),
                Head = M(Vocabulary, D),
            };
        }

        private KernelMatrix Make(KernelMatrixKind kind, int outputs, int inputs, bool bias)
        {
            var r = _test._random;
            float[] b = bias ? [.. Enumerable.Range(0, outputs)
                .Select(_ => BFloat16Bits.ToFloat(BFloat16Bits.Round(r.NextSingle() - 0.5f)))] : [];
            float[] w = new float[outputs * inputs];
            KernelMatrix m;
            if (kind is KernelMatrixKind.Int8 or KernelMatrixKind.Int4)
            {
                var bits = kind == KernelMatrixKind.Int8 ? 8 : 4;
                var q = QuantizedKernelTests.Random(bits, 32, true, true, outputs, inputs);
                for (var i = 0; i < outputs; i++) q.Row(i, w.AsSpan(i * inputs, inputs));
                m = KernelMatrix.Pack(q, null, b);
                _test._owned.Add(m);
            }
            else
            {
                for (var i = 0; i < w.Length; i++) w[i] = BFloat16Bits.ToFloat(BFloat16Bits.Round((r.NextSingle() - 0.5f) * 0.4f));
                var bfloat16 = kind == KernelMatrixKind.BFloat16;
                var data = bfloat16 ? _test.Native(Array.ConvertAll(w, BFloat16Bits.Round)) : _test.Native(w);
                var biases = b.Length == 0 ? 0 : bfloat16 ? _test.Native(Array.ConvertAll(b, BFloat16Bits.Round)) : _test.Native(b);
                m = KernelMatrix.Dense(data, outputs, inputs, bfloat16, biases, null);
            }

            Weights[m] = [.. w, .. b];
            return m;
        }
    }

    // The same in fp64, one row after the other.
    private sealed class Reference(Model model)
    {
        private readonly List<double[]>[] _keys = [[], []];
        private readonly List<double[]>[] _values = [[], []];

        public double[] Step(int token, float[] cos, float[] sin)
        {
            var c = model.Decoder;
            double[] h = [.. model.Weights[c.Embedding].Skip(token * D).Take(D)];
            for (var l = 0; l < c.Layers.Length; l++)
            {
                var w = c.Layers[l];
                var n = Norm(h, w.InputNorm);
                var (q, k) = (Multiply(w.Query, n), Multiply(w.Key, n));
                for (var i = 0; i < Heads; i++) Rotate(q, i * HeadDim, cos, sin);
                for (var i = 0; i < KvHeads; i++) Rotate(k, i * HeadDim, cos, sin);
                _keys[l].Add(k);
                _values[l].Add(Multiply(w.Value, n));
                var attended = new double[Heads * HeadDim];
                for (var head = 0; head < Heads; head++)
                {
                    var g = head / (Heads / KvHeads) * HeadDim;
                    double[] p = [.. _keys[l]
                        .Select(key => Math.Exp(Enumerable.Range(0, HeadDim)
                            .Sum(i => q[head * HeadDim + i] * key[g + i]) / Math.Sqrt(HeadDim)))];
                    for (var t = 0; t < p.Length; t++)
                    {
                        for (var i = 0; i < HeadDim; i++) attended[head * HeadDim + i] += p[t] / p.Sum() * _values[l][t][g + i];
                    }
                }

                var o = Multiply(w.Output, attended);
                for (var i = 0; i < D; i++) h[i] += o[i];
                n = Norm(h, w.MlpNorm);
                var (gate, up) = (Multiply(w.Gate, n), Multiply(w.Up, n));
                var down = Multiply(w.Down, [.. gate.Zip(up, (a, b) => a / (1 + Math.Exp(-a)) * b)]);
                for (var i = 0; i < D; i++) h[i] += down[i];
            }

            return Multiply(c.Head, Norm(h, c.FinalNorm));
        }

        private static double[] Norm(double[] x, float[] w)
        {
            var f = 1 / Math.Sqrt(x.Sum(v => v * v) / x.Length + 1e-6);
            return [.. x.Select((v, i) => v * f * w[i])];
        }

        private static void Rotate(double[] x, int at, float[] cos, float[] sin)
        {
            for (var i = 0; i < HeadDim / 2; i++)
            {
                var (a, b) = (x[at + i], x[at + HeadDim / 2 + i]);
                x[at + i] = a * cos[i] - b * sin[i];
                x[at + HeadDim / 2 + i] = b * cos[i] + a * sin[i];
            }
        }

        private double[] Multiply(KernelMatrix m, double[] x)
        {
            var w = model.Weights[m];
            var bias = w.Length > m.Outputs * m.Inputs;
            return [.. Enumerable.Range(0, m.Outputs)
                .Select(r => x.Select((v, i) => v * w[r * m.Inputs + i]).Sum() + (bias ? w[m.Outputs * m.Inputs + r] : 0))];
        }
    }

    private sealed class Sequence : IKvRows
    {
        public const int Capacity = 40;
        private readonly (nint Keys, nint Values)[] _layers;
        private readonly bool _bfloat16;
        private int _length;

        public Sequence(CpuDecodeStepTests test, bool bfloat16)
        {
            _bfloat16 = bfloat16;
            _layers = [.. Enumerable.Range(0, Layers)
                .Select(_ => (test.Native(new float[KvHeads * Capacity * HeadDim]), test.Native(new float[KvHeads * Capacity * HeadDim])))];
        }

        public SequenceRow Row(int token) => new()
        {
            Token = token,
            Cos = [.. Enumerable.Range(0, HeadDim / 2).Select(i => MathF.Cos(_length * MathF.Pow(100, -i / 8f)))],
            Sin = [.. Enumerable.Range(0, HeadDim / 2).Select(i => MathF.Sin(_length * MathF.Pow(100, -i / 8f)))],
            Kv = this,
            Logits = new float[Vocabulary],
        };

        public KvRows Reserve(int layer) => new(_layers[layer].Keys, _layers[layer].Values, _length, Capacity, _bfloat16);

        public void Advance() => _length++;
    }

    private nint Native<T>(T[] values)
        where T : unmanaged
    {
        var buffer = new NativeBuffer(values.Length * sizeof(T));
        _owned.Add(buffer);
        values.CopyTo(new Span<T>(buffer.Pointer, values.Length));
        return (nint)buffer.Pointer;
    }
}
