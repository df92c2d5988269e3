using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models.Qwen25VL;

/// <summary>
/// Qwen2.5-VL's tower (Qwen2_5_VisionTransformerPretrainedModel) on one image: window attention but in some blocks, 2-D rotary embedding,
/// 2x2 merger. Windows are ordered by size, so that each size is one batch; the order inside an image does not matter to the result.
/// </summary>
internal sealed class QwenVisionTower : IVisionTower
{
    private const double Eps = 1e-6; // hard-coded in the model file

    private readonly QwenVisionConfig _c;
    private readonly Tensor _patch;
    private readonly Block[] _blocks;
    private readonly Tensor _mergerNorm;
    private readonly Linear _merger0;
    private readonly Linear _merger2;

    private QwenVisionTower(ITensorSource source, QwenVisionConfig c, string p)
    {
        _c = c;
        _patch = source.Take(p + "patch_embed.proj.weight", [c.HiddenSize, 3, c.TemporalPatchSize, c.PatchSize, c.PatchSize]);
        _blocks = new Block[c.Layers];
        for (var i = 0; i < c.Layers; i++) _blocks[i] = new Block(source, $"{p}blocks.{i}.", c);
        var merged = c.HiddenSize * c.MergeSize * c.MergeSize;
        _mergerNorm = source.Take(p + "merger.ln_q.weight", [c.HiddenSize]);
        _merger0 = source.TakeLinear(p + "merger.mlp.0", merged, merged, true);
        _merger2 = source.TakeLinear(p + "merger.mlp.2", c.OutputSize, merged, true);
    }

    /// <summary>Takes the tower's tensors.</summary>
    public static QwenVisionTower Take(ITensorSource source, QwenVisionConfig config, string prefix) => new(source, config, prefix);

    /// <inheritdoc/>
    public VisionOutput Encode(ProcessedImage image, bool clsAttention, Action? atBorder = null) =>
        EncodeBatch([image], clsAttention, atBorder)[0];

    /// <inheritdoc/>
    public IReadOnlyList<VisionOutput> EncodeBatch(IReadOnlyList<ProcessedImage> images, bool clsAttention, Action? atBorder = null)
    {
        var (rows, columns) = (images[0].Grids[0].Rows, images[0].Grids[0].Columns);
        // As many patches may stand in another grid, with other windows.
        if (images.Any(i => i.Grids[0].Rows != rows || i.Grids[0].Columns != columns))
            return [.. images.Select(i => Encode(i, clsAttention, atBorder))];
        using var scope = NewDisposeScope();
        var unit = _c.MergeSize * _c.MergeSize;
        var windows = new QwenWindows(rows, columns, _c.WindowUnits);
        var units = tensor(windows.Order).MovedTo(_patch.device);
        var x = Embed(images, units);
        var (cos, sin) = Angles(windows.Order, columns);
        for (var i = 0; i < _blocks.Length; i++)
        {
            atBorder?.Invoke();
            using var before = x;
            x = _blocks[i].Forward(before, _c, cos, sin, _c.FullAttentionBlocks.Contains(i) ? null : windows.Groups);
        }

        var y = Norms.Rms(x, _mergerNorm, Eps).reshape(images.Count, -1, unit * _c.HiddenSize);
        y = _merger2.Forward(nn.functional.gelu(_merger0.Forward(y))).index_select(1, units.argsort());
        return [.. images.Select((_, i) => new VisionOutput(y[i].alias().MoveToOuterDisposeScope(), null))];
    }

    // Patches in window order, [images, P, D].
    private Tensor Embed(IReadOnlyList<ProcessedImage> images, Tensor units)
    {
        using var scope = NewDisposeScope();
        var (unit, width) = (_c.MergeSize * _c.MergeSize, _c.HiddenSize);
        var x = new DenseLinear(_patch.reshape(width, _c.PatchFeatures), null).Forward(PixelBatch.Of(images, _patch.dtype, _patch.device));
        return x.reshape(images.Count, -1, unit, width).index_select(1, units).reshape(images.Count, -1, width).MoveToOuterDisposeScope();
    }

    // Row and column angles of every patch in window order, fp32, [P, head_dim].
    private (Tensor Cos, Tensor Sin) Angles(long[] order, int columns)
    {
        using var scope = NewDisposeScope();
        var (m, head) = (_c.MergeSize, _c.HiddenSize / _c.Heads);
        var rows = new long[order.Length * m * m];
        var cols = new long[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            var (unit, inner) = (order[i / (m * m)], i % (m * m));
            rows[i] = unit / columns * m + inner / m;
            cols[i] = unit % columns * m + inner % m;
        }

        var inverse = Rotary.InverseFrequencies(head / 2, 10000, _patch.device);
        var both = cat([inverse, inverse], 0);
        var (cos, sin) = Rotary.Table([rows, cols], both, [head / 4, head / 4], ScalarType.Float32);
        return (cos.MoveToOuterDisposeScope(), sin.MoveToOuterDisposeScope());
    }

    private sealed class Block(ITensorSource source, string p, QwenVisionConfig c)
    {
        private readonly Tensor _norm1 = source.Take(p + "norm1.weight", [c.HiddenSize]);
        private readonly Tensor _norm2 = source.Take(p + "norm2.weight", [c.HiddenSize]);
        private readonly Linear _qkv = source.TakeLinear(p + "attn.qkv", 3 * c.HiddenSize, c.HiddenSize, true);
        private readonly Linear _proj = source.TakeLinear(p + "attn.proj", c.HiddenSize, c.HiddenSize, true);
        private readonly Linear _gate = source.TakeLinear(p + "mlp.gate_proj", c.IntermediateSize, c.HiddenSize, true);
        private readonly Linear _up = source.TakeLinear(p + "mlp.up_proj", c.IntermediateSize, c.HiddenSize, true);
        private readonly Linear _down = source.TakeLinear(p + "mlp.down_proj", c.HiddenSize, c.IntermediateSize, true);

        // Twelve megapixels are 61,000 patches: each step lets go of what no later one reads.
        public Tensor Forward(Tensor x, QwenVisionConfig c, Tensor cos, Tensor sin, IReadOnlyList<(int Count, int Units)>? groups)
        {
            using var h = Attended(x, c, cos, sin, groups);
            using var y = Perceptron(h, c);
            return h.Plus(y);
        }

        private Tensor Attended(Tensor x, QwenVisionConfig c, Tensor cos, Tensor sin, IReadOnlyList<(int Count, int Units)>? groups)
        {
            using var scope = NewDisposeScope();
            var (q, k, v) = Heads(x, c, cos, sin);
            return x.Plus(_proj.Forward(
                Attention.MergeHeads(groups is null ? Attention.Fused(q, k, v, causal: false)
                    : Windowed(q, k, v, groups, c.MergeSize * c.MergeSize)))).MoveToOuterDisposeScope();
        }

        private (Tensor Q, Tensor K, Tensor V) Heads(Tensor x, QwenVisionConfig c, Tensor cos, Tensor sin)
        {
            using var scope = NewDisposeScope();
            using var all = Projected(x);
            var qkv = all.chunk(3, -1);
            return (Rotated(qkv[0], c, cos, sin).MoveToOuterDisposeScope(), Rotated(qkv[1], c, cos, sin).MoveToOuterDisposeScope(),
                Attention.SplitHeads(qkv[2], c.Heads).MoveToOuterDisposeScope());
        }

        private Tensor Projected(Tensor x)
        {
            using var normed = Norms.Rms(x, _norm1, Eps);
            return _qkv.Forward(normed);
        }

        // The tower rotates in fp32, unlike the text model.
        private static Tensor Rotated(Tensor t, QwenVisionConfig c, Tensor cos, Tensor sin)
        {
            using var scope = NewDisposeScope();
            return Rotary.Apply(Attention.SplitHeads(t, c.Heads).to(ScalarType.Float32), cos, sin).to(t.dtype).MoveToOuterDisposeScope();
        }

        private Tensor Perceptron(Tensor h, QwenVisionConfig c)
        {
            using var scope = NewDisposeScope();
            var y = Norms.Rms(h, _norm2, Eps);
            return _down.Forward(Gate(y, c) * _up.Forward(y)).MoveToOuterDisposeScope();
        }

        private Tensor Gate(Tensor y, QwenVisionConfig c)
        {
            using var gate = _gate.Forward(y);
            return Activations.Find(c.Activation)(gate);
        }

        // Windows of one size lie side by side: they become the batch.
        private static Tensor Windowed(Tensor q, Tensor k, Tensor v, IReadOnlyList<(int Count, int Units)> groups, int unit)
        {
            using var scope = NewDisposeScope();
            var parts = new List<Tensor>();
            long start = 0;
            foreach (var (count, units) in groups)
            {
                using var window = NewDisposeScope();
                long length = (long)count * units * unit;
                var (images, heads, rows, d) = (q.shape[0], q.shape[1], (long)units * unit, q.shape[3]);
                Tensor Batch(Tensor t) => t.narrow(2, start, length).reshape(images, heads, count, rows, d).transpose(1, 2)
                    .reshape(images * count, heads, rows, d);
                var y = Attention.Fused(Batch(q), Batch(k), Batch(v), causal: false);
                parts.Add(y.reshape(images, count, heads, rows, d).transpose(1, 2).reshape(images, heads, length, d)
                    .MoveToOuterDisposeScope());
                start += length;
            }

            return cat(parts, 2).MoveToOuterDisposeScope();
        }
    }
}

/// <summary>The windows of a grid of merged units: their units, windows of one size side by side.</summary>
internal sealed class QwenWindows
{
    public QwenWindows(int rows, int columns, int side)
    {
        var windows = new List<long[]>();
        for (var r = 0; r < rows; r += side)
        {
            for (var c = 0; c < columns; c += side)
            {
                var units = new List<long>();
                for (var y = r; y < Math.Min(r + side, rows); y++)
                {
                    for (var x = c; x < Math.Min(c + side, columns); x++) units.Add((long)y * columns + x);
                }

                windows.Add([.. units]);
            }
        }

        var sorted = windows.OrderByDescending(w => w.Length).ToArray();
        Order = [.. sorted.SelectMany(w => w)];
        Groups = [.. sorted.GroupBy(w => w.Length).Select(g => (g.Count(), g.Key))];
    }

    /// <summary>Row-major unit numbers in window order.</summary>
    public long[] Order { get; }

    /// <summary>Number of windows and units of each size, in order.</summary>
    public IReadOnlyList<(int Count, int Units)> Groups { get; }
}
