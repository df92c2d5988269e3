namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>
/// One decode step of 1 to 16 sequences without a call into libtorch: norms, projections, rotary embedding, attention over each sequence's
/// own cache, MLP and head by a team of threads in step, five barriers a layer. Nothing is allocated. Every row gives what it gives alone,
/// bit for bit, whatever the number of rows and of threads: each of its sums has one order.
/// </summary>
internal sealed unsafe class CpuDecodeStep : IDisposable
{
    // Outputs of a projection go to threads in whole blocks, so that kernels of four rows keep busy.
    private const int Unit = 16;

    private readonly CpuDecoder _decoder;
    private readonly WorkerTeam _team;
    private readonly int _maxRows;
    private readonly List<NativeBuffer> _owned = [];
    private readonly float*[] _hidden;
    private readonly float*[] _query;
    private readonly float*[] _key;
    private readonly float*[] _value;
    private readonly float*[] _attended;
    private readonly float*[] _gate;
    private readonly float*[] _up;
    private readonly float*[] _sum;
    private readonly float*[] _logits;
    private readonly float*[] _cos;
    private readonly float*[] _sin;
    private readonly Member[] _members;
    private readonly KvRows[] _kv;
    private readonly ITeamWork _work;
    private int _rows;

    /// <param name="decoder">The decoder.</param>
    /// <param name="team">The threads; somebody else owns them.</param>
    /// <param name="maxRows">Most sequences in a step, at most 16.</param>
    public CpuDecodeStep(CpuDecoder decoder, WorkerTeam team, int maxRows = MatrixKernel.MaxRows)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxRows, MatrixKernel.MaxRows);
        (_decoder, _team, _maxRows) = (decoder, team, maxRows);
        var (q, kv, d) = (decoder.Heads * decoder.HeadDim, decoder.KvHeads * decoder.HeadDim, decoder.HeadDim);
        _hidden = Buffers(decoder.HiddenSize);
        _query = Buffers(q);
        _key = Buffers(kv);
        _value = Buffers(kv);
        _attended = Buffers(q);
        _gate = Buffers(decoder.IntermediateSize);
        _up = Buffers(decoder.IntermediateSize);
        _sum = Buffers(decoder.HiddenSize);
        _logits = Buffers(decoder.Vocabulary);
        _cos = Buffers(d / 2);
        _sin = Buffers(d / 2);
        _kv = new KvRows[decoder.Layers.Length * maxRows];
        var prepared = decoder.Layers.SelectMany(l => new[] { l.Query, l.Key, l.Value, l.Output, l.Gate, l.Up, l.Down })
            .Append(decoder.Head).Max(m => m.PreparedLength);
        _members = new Member[team.Count];
        for (var i = 0; i < _members.Length; i++)
            _members[i] = new Member { Normed = Buffer(decoder.HiddenSize), Prepared = Buffers(prepared) };
        _work = Lanes512.IsSupported ? new Body<Lanes512>(this) : Lanes256.IsSupported ? new Body<Lanes256>(this) : Lanes128.IsSupported
            ? new Body<Lanes128>(this) : new Body<Lanes1>(this);
    }

    /// <summary>For tests: a step whose kernels have the given lanes.</summary>
    internal static CpuDecodeStep Of<T>(CpuDecoder decoder, WorkerTeam team, int maxRows = MatrixKernel.MaxRows)
        where T : struct, ILanes<T> => new(decoder, team, maxRows, s => new Body<T>(s));

    private CpuDecodeStep(CpuDecoder decoder, WorkerTeam team, int maxRows, Func<CpuDecodeStep, ITeamWork> work)
        : this(decoder, team, maxRows) => _work = work(this);

    /// <summary>Feeds one token to each sequence.</summary>
    /// <param name="rows">1 to the most rows; their caches have room.</param>
    public void Run(ReadOnlySpan<SequenceRow> rows)
    {
        if (rows.Length < 1 || rows.Length > _maxRows)
            throw new ArgumentException($"There are {rows.Length} sequences; this step takes 1 to {_maxRows}.", nameof(rows));
        ObjectDisposedException.ThrowIf(_owned.Count == 0, this);
        _rows = rows.Length;
        long scratch = 0;
        for (var b = 0; b < rows.Length; b++)
        {
            var row = rows[b];
            Embed(row.Token, _hidden[b]);
            row.Cos.CopyTo(new Span<float>(_cos[b], _decoder.HeadDim / 2));
            row.Sin.CopyTo(new Span<float>(_sin[b], _decoder.HeadDim / 2));
            for (var l = 0; l < _decoder.Layers.Length; l++)
            {
                var kv = row.Kv.Reserve(l);
                if (kv.Length >= kv.Capacity)
                    throw new ArgumentException($"The cache of layer {l} is full ({kv.Length} tokens).", nameof(rows));
                _kv[l * _maxRows + b] = kv;
                scratch = Math.Max(scratch,
                    CachedAttention.ScratchLength(_decoder.Heads / _decoder.KvHeads, kv.Length + 1, _decoder.HeadDim));
            }
        }

        foreach (var m in _members) m.Reserve(scratch);
        _team.Run(_work);
        for (var b = 0; b < rows.Length; b++)
        {
            new ReadOnlySpan<float>(_logits[b], _decoder.Vocabulary).CopyTo(rows[b].Logits);
            rows[b].Kv.Advance();
        }
    }

    public void Dispose()
    {
        foreach (var b in _owned) b.Dispose();
        _owned.Clear();
        foreach (var m in _members) m.Dispose();
    }

    private void Embed(int token, float* to)
    {
        var e = _decoder.Embedding;
        if ((uint)token >= (uint)e.Outputs)
            throw new ArgumentOutOfRangeException(nameof(token), token, $"The vocabulary has {e.Outputs} tokens.");
        var row = e.Data + token * e.RowBytes;
        if (e.Kind == KernelMatrixKind.Float32)
        {
            new ReadOnlySpan<float>(row, e.Inputs).CopyTo(new Span<float>(to, e.Inputs));
            return;
        }

        for (var i = 0; i < e.Inputs; i++) to[i] = BFloat16Bits.ToFloat(((ushort*)row)[i]);
    }

    private float* Buffer(int length)
    {
        var buffer = new NativeBuffer(4L * length);
        _owned.Add(buffer);
        return (float*)buffer.Pointer;
    }

    private float*[] Buffers(int length)
    {
        var buffers = new float*[_maxRows];
        for (var i = 0; i < _maxRows; i++) buffers[i] = Buffer(length);
        return buffers;
    }

    /// <summary>What a thread has of its own.</summary>
    private sealed class Member : IDisposable
    {
        private NativeBuffer? _scratch;

        public required float* Normed { get; init; }

        public required float*[] Prepared { get; init; }

        public float* Scratch => (float*)_scratch!.Pointer;

        // Doubles, so that a growing context seldom asks.
        public void Reserve(long floats)
        {
            if (_scratch is not null && _scratch.Bytes >= 4 * floats) return;
            _scratch?.Dispose();
            _scratch = null; // where the next line fails, a freed buffer would pass for one with room
            _scratch = new NativeBuffer(8 * floats);
        }

        public void Dispose() => _scratch?.Dispose();
    }

    private sealed class Body<T>(CpuDecodeStep step) : ITeamWork
        where T : struct, ILanes<T>
    {
        private readonly CpuDecoder _c = step._decoder;

        public void Run(int member)
        {
            var own = step._members[member];
            for (var l = 0; l < _c.Layers.Length; l++)
            {
                var layer = _c.Layers[l];
                Normed(own, step._hidden, layer.InputNorm, layer.Query);
                Project(own, layer.Query, step._query, member);
                if (!MatrixKernel.SamePreparation(layer.Query, layer.Key)) Normed(own, step._hidden, layer.InputNorm, layer.Key);
                Project(own, layer.Key, step._key, member);
                if (!MatrixKernel.SamePreparation(layer.Key, layer.Value)) Normed(own, step._hidden, layer.InputNorm, layer.Value);
                Project(own, layer.Value, step._value, member);
                step._team.Barrier();

                Attend(own, l, member);
                step._team.Barrier();

                Prepare(own, step._attended, layer.Output);
                AddProjected(own, layer.Output, member);
                step._team.Barrier();

                Normed(own, step._hidden, layer.MlpNorm, layer.Gate);
                Project(own, layer.Gate, step._gate, member);
                if (!MatrixKernel.SamePreparation(layer.Gate, layer.Up)) Normed(own, step._hidden, layer.MlpNorm, layer.Up);
                Project(own, layer.Up, step._up, member);
                Activate(member);
                step._team.Barrier();

                Prepare(own, step._gate, layer.Down);
                AddProjected(own, layer.Down, member);
                step._team.Barrier();
            }

            Normed(own, step._hidden, _c.FinalNorm, _c.Head);
            Project(own, _c.Head, step._logits, member);
        }

        // Every thread prepares all rows for itself: reading them again from its own cache is cheaper than another barrier.
        private void Normed(Member own, float*[] x, float[] weight, KernelMatrix m)
        {
            fixed (float* w = weight)
            {
                for (var b = 0; b < step._rows; b++)
                {
                    Norm(x[b], w, own.Normed, _c.HiddenSize, _c.NormEps);
                    MatrixKernel.Prepare<T>(m, own.Normed, own.Prepared[b]);
                }
            }
        }

        private void Prepare(Member own, float*[] x, KernelMatrix m)
        {
            for (var b = 0; b < step._rows; b++) MatrixKernel.Prepare<T>(m, x[b], own.Prepared[b]);
        }

        private void Project(Member own, KernelMatrix m, float*[] y, int member)
        {
            var (from, to) = step._team.Share(m.Outputs, Unit, member);
            fixed (float** px = own.Prepared, py = y) MatrixKernel.Multiply<T>(m, px, step._rows, py, from, to);
        }

        private void AddProjected(Member own, KernelMatrix m, int member)
        {
            Project(own, m, step._sum, member);
            var (from, to) = step._team.Share(m.Outputs, Unit, member);
            for (var b = 0; b < step._rows; b++)
            {
                float* h = step._hidden[b], s = step._sum[b];
                for (var i = from; i < to; i++) h[i] += s[i];
            }
        }

        private void Attend(Member own, int layer, int member)
        {
            var (d, group) = (_c.HeadDim, _c.Heads / _c.KvHeads);
            var (from, to) = step._team.Share(step._rows * _c.KvHeads, 1, member);
            for (var item = from; item < to; item++)
            {
                var (b, g) = (item / _c.KvHeads, item % _c.KvHeads);
                var kv = step._kv[layer * step._maxRows + b];
                var size = kv.BFloat16 ? 2 : 4;
                var head = (long)g * kv.Capacity * d * size;
                byte* keys = (byte*)kv.Keys + head, values = (byte*)kv.Values + head;
                var key = step._key[b] + g * d;
                Rotate(key, step._cos[b], step._sin[b], d);
                Store(key, keys + (long)kv.Length * d * size, d, kv.BFloat16);
                Store(step._value[b] + g * d, values + (long)kv.Length * d * size, d, kv.BFloat16);
                var query = step._query[b] + g * group * d;
                for (var h = 0; h < group; h++) Rotate(query + h * d, step._cos[b], step._sin[b], d);
                CachedAttention.Attend<T>(
                    query, group, d, keys, values, kv.Length + 1, kv.BFloat16, step._attended[b] + g * group * d, own.Scratch);
            }
        }

        // silu(gate) * up, in the gate's place.
        private void Activate(int member)
        {
            var (from, to) = step._team.Share(_c.IntermediateSize, Unit, member);
            var one = T.Splat(1);
            for (var b = 0; b < step._rows; b++)
            {
                float* gate = step._gate[b], up = step._up[b];
                var i = from;
                for (; i + T.Count <= to; i += T.Count)
                {
                    var g = T.Load(gate + i);
                    var e = T.Exp(T.Subtract(T.Splat(0), g));
                    T.Store(T.Multiply(T.Divide(g, T.Add(one, e)), T.Load(up + i)), gate + i);
                }

                for (; i < to; i++) gate[i] = gate[i] / (1 + MathF.Exp(-gate[i])) * up[i];
            }
        }

        private static void Norm(float* x, float* weight, float* y, int n, float eps)
        {
            var sum = T.Splat(0);
            var i = 0;
            for (; i + T.Count <= n; i += T.Count)
            {
                var v = T.Load(x + i);
                sum = T.MultiplyAdd(v, v, sum);
            }

            var total = T.Sum(sum);
            for (; i < n; i++) total += x[i] * x[i];
            var factor = 1 / MathF.Sqrt(total / n + eps);
            var f = T.Splat(factor);
            for (i = 0; i + T.Count <= n; i += T.Count) T.Store(T.Multiply(T.Multiply(T.Load(x + i), f), T.Load(weight + i)), y + i);
            for (; i < n; i++) y[i] = x[i] * factor * weight[i];
        }

        private static void Rotate(float* x, float* cos, float* sin, int d)
        {
            var half = d / 2;
            var i = 0;
            for (; i + T.Count <= half; i += T.Count)
            {
                T a = T.Load(x + i), b = T.Load(x + half + i), c = T.Load(cos + i), s = T.Load(sin + i);
                T.Store(T.Subtract(T.Multiply(a, c), T.Multiply(b, s)), x + i);
                T.Store(T.Add(T.Multiply(b, c), T.Multiply(a, s)), x + half + i);
            }

            for (; i < half; i++)
            {
                var (a, b) = (x[i], x[half + i]);
                x[i] = a * cos[i] - b * sin[i];
                x[half + i] = b * cos[i] + a * sin[i];
            }
        }

        private static void Store(float* x, byte* to, int d, bool bfloat16)
        {
            if (!bfloat16)
            {
                new ReadOnlySpan<float>(x, d).CopyTo(new Span<float>(to, d));
                return;
            }

            BFloat16Bits.Round<T>(x, (ushort*)to, d);
        }
    }
}
