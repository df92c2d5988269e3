using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>InternViT, pixel shuffle and projector (the remote code's extract_feature; transformers'
/// InternVLModel.get_image_features).</summary>
internal sealed class InternVisionTower : IVisionTower
{
    private const double ProjectorNormEps = 1e-5;
    private const double QkNormEps = 1e-6;
    private readonly InternVLConfig _c;
    private readonly Tensor _class;
    private readonly (Tensor W, Tensor B) _patch;
    private readonly Tensor _positions;
    private readonly Block[] _blocks;
    private readonly (Tensor W, Tensor B) _norm;
    private readonly Linear _linear1;
    private readonly Linear _linear2;

    private InternVisionTower(ITensorSource source, InternVLConfig c, InternVisionNames names)
    {
        var v = c.Vision;
        _c = c;
        _class = source.Take(names.ClassToken, [1, 1, v.HiddenSize]);
        _patch = (source.Take(names.Patch + ".weight", [v.HiddenSize, 3, v.PatchSize, v.PatchSize]),
            source.Take(names.Patch + ".bias", [v.HiddenSize]));
        _positions = source.Take(names.Positions, [1, v.Side * v.Side + 1, v.HiddenSize]);
        _blocks = new Block[v.Layers];
        for (var i = 0; i < v.Layers; i++) _blocks[i] = new Block(source, $"{names.Block}{i}.", v, names);
        _norm = (source.Take(names.ProjectorNorm + ".weight", [c.ProjectorInput]),
            source.Take(names.ProjectorNorm + ".bias", [c.ProjectorInput]));
        _linear1 = source.TakeLinear(names.Projector1, c.Text.HiddenSize, c.ProjectorInput, true);
        _linear2 = source.TakeLinear(names.Projector2, c.Text.HiddenSize, c.Text.HiddenSize, true);
    }

    internal static InternVisionTower Take(ITensorSource source, InternVLConfig config, InternVisionNames names) =>
        new(source, config, names);

    /// <inheritdoc/>
    public VisionOutput Encode(ProcessedImage image, bool clsAttention, Action? atBorder = null) =>
        EncodeBatch([image], clsAttention, atBorder)[0];

    /// <inheritdoc/>
    public IReadOnlyList<VisionOutput> EncodeBatch(IReadOnlyList<ProcessedImage> images, bool clsAttention, Action? atBorder = null)
    {
        using var scope = NewDisposeScope();
        var cls = clsAttention ? new List<Tensor>() : null;
        var x = Embed(PixelBatch.Of(images, _class.dtype, _class.device));
        var layers = _c.FeatureLayer < 0 ? _blocks.Length + 1 + _c.FeatureLayer : _c.FeatureLayer;
        for (var i = 0; i < layers; i++)
        {
            atBorder?.Invoke();
            using var before = x;
            x = _blocks[i].Forward(before, _c.Vision, i == layers - 1 ? cls : null);
        }

        var merged = Shuffle(x.narrow(1, 1, x.shape[1] - 1));
        var y = Norms.Layer(merged, _norm.W, _norm.B, ProjectorNormEps);
        y = _linear2.Forward(Activations.Find(_c.ProjectorActivation)(_linear1.Forward(y)));
        var each = y.shape[0] / images.Count;
        // CLS attention is per patch; a token's is the mean over the patches that it merges.
        float[]? Attention(int i) => cls is null ? null : ForwardTrace.ToArray(
            Candidates(images[i], Shuffle(cls[0].narrow(0, i * each, each).unsqueeze(2)).mean([2]).reshape(-1)));
        return [.. images.Select((_, i) => new VisionOutput(
            y.narrow(0, i * each, each).reshape(-1, y.shape[2]).alias().MoveToOuterDisposeScope(), Attention(i)))];
    }

    // Tokens lie tile after tile; candidates in layout order, where the mosaic's rows run across tiles.
    private static Tensor Candidates(ProcessedImage image, Tensor values) =>
        values.index_select(0, tensor(image.Grids.SelectMany(g => g.Offsets).Select(o => (long)o).ToArray()).MovedTo(values.device));

    private Tensor Embed(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var size = _c.Vision.PatchSize;
        var grid = BFloat16Products.Patches(pixels, _patch.W, _patch.B, size);
        var side = grid.shape[2];
        var patches = grid.flatten(2).transpose(1, 2);
        return cat([_class.expand(pixels.shape[0], 1, _c.Vision.HiddenSize), patches], 1).Plus(Positions(side))
            .MoveToOuterDisposeScope();
    }

    // The table is made for one size; other tile sizes interpolate its patch part (bicubic, no antialias, in fp32).
    private Tensor Positions(long side)
    {
        var (own, width) = (_c.Vision.Side, _c.Vision.HiddenSize);
        if (side == own) return _positions;
        var table = _positions.narrow(1, 1, (long)own * own).to(ScalarType.Float32).reshape(1, own, own, width).permute(0, 3, 1, 2);
        var resized = nn.functional.interpolate(table, [side, side], mode: InterpolationMode.Bicubic, align_corners: false);
        return cat([_positions.narrow(1, 0, 1), resized.permute(0, 2, 3, 1).reshape(1, side * side, width).to(_positions.dtype)], 1);
    }

    // [tiles, side * side, C] to [tiles, (side / m)², m² C]: a token is its patches (0,0), (0,1), (1,0), (1,1) side by side.
    private Tensor Shuffle(Tensor x)
    {
        var (m, tiles, width) = (_c.Merge, x.shape[0], x.shape[2]);
        var side = (long)Math.Sqrt(x.shape[1]);
        var y = x.reshape(tiles, side / m, m, side / m, m, width).permute(0, 1, 3, 2, 4, 5)
            .reshape(tiles, side / m, side / m, m * m * width);
        return (_c.Transposed ? y.transpose(1, 2) : y).reshape(tiles, side / m * (side / m), m * m * width);
    }

    private sealed class Block
    {
        private readonly Linear _q;
        private readonly Linear _k;
        private readonly Linear _v;
        private readonly Tensor? _qNorm;
        private readonly Tensor? _kNorm;
        private readonly Linear _out;
        private readonly (Tensor W, Tensor? B) _norm1;
        private readonly (Tensor W, Tensor? B) _norm2;
        private readonly Tensor _scale1;
        private readonly Tensor _scale2;
        private readonly Linear _fc1;
        private readonly Linear _fc2;

        public Block(ITensorSource source, string p, InternVisionConfig c, InternVisionNames names)
        {
            var d = c.HiddenSize;
            if (names.FusedQkv is { } fused)
            {
                var thirds = source.TakeLinears(
                    p + fused, 3 * d, d, c.QkvBias, [[new RowRange(0, d)], [new RowRange(d, d)], [new RowRange(2 * d, d)]]);
                (_q, _k, _v) = (thirds[0], thirds[1], thirds[2]);
            }
            else
            {
                Linear Part(string name) => source.TakeLinear(p + names.Attention + name, d, d, c.QkvBias);
                (_q, _k, _v) = (Part("q_proj"), Part("k_proj"), Part("v_proj"));
            }

            if (c.QkNorm)
            {
                _qNorm = source.Take(p + names.Attention + "q_norm.weight", [d]);
                _kNorm = source.Take(p + names.Attention + "k_norm.weight", [d]);
            }

            (Tensor, Tensor?) Norm(string name) =>
                (source.Take(p + name + ".weight", [d]), c.RmsNorm ? null : source.Take(p + name + ".bias", [d]));
            _out = source.TakeLinear(p + names.Output, d, d, true);
            _norm1 = Norm(names.Norm1);
            _norm2 = Norm(names.Norm2);
            _scale1 = source.Take(p + names.Scale1, [d]);
            _scale2 = source.Take(p + names.Scale2, [d]);
            _fc1 = source.TakeLinear(p + "mlp.fc1", c.IntermediateSize, d, true);
            _fc2 = source.TakeLinear(p + "mlp.fc2", d, c.IntermediateSize, true);
        }

        public Tensor Forward(Tensor x, InternVisionConfig c, List<Tensor>? clsAttention)
        {
            using var h = Attended(x, c, clsAttention);
            using var y = Perceptron(h, c);
            return h.Plus(y);
        }

        // CLS attention outlives the block.
        private Tensor Attended(Tensor x, InternVisionConfig c, List<Tensor>? clsAttention)
        {
            using var scope = NewDisposeScope();
            var y = Normalise(x, _norm1, c);
            var q = Attention.SplitHeads(Whole(_q.Forward(y), _qNorm), c.Heads);
            var k = Attention.SplitHeads(Whole(_k.Forward(y), _kNorm), c.Heads);
            var v = Attention.SplitHeads(_v.Forward(y), c.Heads);
            if (clsAttention is not null)
            {
                var rows = Enumerable.Range(0, (int)q.shape[0])
                    .Select(i => Attention.LastRow(q.narrow(0, i, 1).narrow(2, 0, 1), k.narrow(0, i, 1)));
                clsAttention.Add(stack([.. rows]).narrow(1, 1, k.shape[2] - 1).contiguous().MoveToOuterDisposeScope());
            }

            return x.Plus(_scale1 * _out.Forward(Attention.MergeHeads(Attention.Fused(q, k, v, causal: false)))).MoveToOuterDisposeScope();
        }

        private Tensor Perceptron(Tensor h, InternVisionConfig c)
        {
            using var scope = NewDisposeScope();
            var y = _fc2.Forward(Activations.Find(c.Activation)(_fc1.Forward(Normalise(h, _norm2, c))));
            return (_scale2 * y).MoveToOuterDisposeScope();
        }

        private static Tensor Normalise(Tensor x, (Tensor W, Tensor? B) norm, InternVisionConfig c) =>
            norm.B is null ? Norms.Rms(x, norm.W, c.NormEps) : Norms.Layer(x, norm.W, norm.B, c.NormEps);

        private static Tensor Whole(Tensor x, Tensor? norm) => norm is null ? x : Norms.Rms(x, norm, QkNormEps);
    }
}
