using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Models.Llava;

/// <summary>The CLIP vision transformer of LLaVA-1.5 and LLaVA-NeXT (transformers' CLIPVisionModel),
/// without its unused final norm.</summary>
internal sealed class ClipVisionTower
{
    private readonly ClipVisionConfig _c;
    private readonly Tensor _class;
    private readonly Tensor _patch;
    private readonly Tensor _positions;
    private readonly (Tensor W, Tensor B) _preNorm;
    private readonly Block[] _blocks;

    private ClipVisionTower(ClipVisionConfig c, ITensorSource source, string prefix)
    {
        _c = c;
        _class = source.Take(prefix + "embeddings.class_embedding", [c.HiddenSize]);
        _patch = source.Take(prefix + "embeddings.patch_embedding.weight", [c.HiddenSize, 3, c.PatchSize, c.PatchSize]);
        _positions = source.Take(prefix + "embeddings.position_embedding.weight", [c.Patches + 1, c.HiddenSize]);
        _preNorm = TakeNorm(source, prefix + "pre_layrnorm", c.HiddenSize);
        _blocks = new Block[c.Layers];
        for (var i = 0; i < c.Layers; i++) _blocks[i] = new Block(source, $"{prefix}encoder.layers.{i}.", c);
        TakeNorm(source, prefix + "post_layernorm", c.HiddenSize); // in every file, never applied
    }

    /// <summary>Type of weights and pixels.</summary>
    public ScalarType DType => _class.dtype;

    /// <summary>Where the weights are.</summary>
    public Device Device => _class.device;

    /// <summary>Takes the tower's tensors.</summary>
    public static ClipVisionTower Take(ITensorSource source, ClipVisionConfig config, string prefix) => new(config, source, prefix);

    /// <summary>Runs the tower up to the deepest of <paramref name="layers"/>.</summary>
    /// <param name="pixels">[n, 3, H, W] in the tower's type.</param>
    /// <param name="layers">Hidden states wanted: 0 is the output of the pre-norm, i the output of block i-1;
    /// negative ones count from the end.</param>
    /// <param name="clsAttention">Receives the CLS row of the last block that runs, [n, patches] mean over heads, when not null.</param>
    /// <param name="atBorder">Called between blocks; null for nothing.</param>
    /// <param name="attend">The attention kernel; null for the fused one that serves. Training gives an explicit one.</param>
    /// <param name="positions">Rows of the position table per image, [n or 1, tokens] int64, for windows of
    /// the grid; null for the whole grid.</param>
    /// <param name="merge">What becomes of the tokens between a block's attention and its MLP (token merging); null for nothing.</param>
    /// <returns>Per requested layer [n, patches + 1, D].</returns>
    public Tensor[] Forward(
        Tensor pixels,
        IReadOnlyList<int> layers,
        List<float[]>? clsAttention,
        Action? atBorder,
        AttentionKernel? attend = null,
        Tensor? positions = null,
        Func<Tensor, Tensor>? merge = null)
    {
        using var scope = NewDisposeScope();
        attend ??= static (q, k, v) => Attention.Fused(q, k, v, causal: false);
        var places = positions is null ? _positions
            : _positions.index_select(0, positions.reshape(-1)).reshape(positions.shape[0], positions.shape[1], _c.HiddenSize);
        int[] wanted = [.. layers.Select(l => l < 0 ? _c.Layers + 1 + l : l)];
        var last = wanted.Max();
        var states = new Tensor[last + 1];
        states[0] = Embed(pixels, places);
        for (var i = 0; i < last; i++)
        {
            atBorder?.Invoke();
            states[i + 1] = _blocks[i].Forward(states[i], _c, attend, i == last - 1 ? clsAttention : null, merge);
            if (!wanted.Contains(i)) states[i].Dispose();
        }

        return [.. wanted.Select(w => states[w].alias().MoveToOuterDisposeScope())];
    }

    // The class token and the patches, [n, patches + 1, D].
    private Tensor Embed(Tensor pixels, Tensor places)
    {
        using var scope = NewDisposeScope();
        var patches = BFloat16Products.Patches(pixels, _patch, null, _c.PatchSize).flatten(2).transpose(1, 2);
        var cls = _class.expand(pixels.shape[0], 1, _c.HiddenSize);
        return Norms.Layer(cat([cls, patches], 1).Plus(places), _preNorm.W, _preNorm.B, _c.LayerNormEps).MoveToOuterDisposeScope();
    }

    internal static (Tensor W, Tensor B) TakeNorm(ITensorSource source, string name, long size) =>
        (source.Take(name + ".weight", [size]), source.Take(name + ".bias", [size]));

    private sealed class Block(ITensorSource source, string p, ClipVisionConfig c)
    {
        private readonly (Tensor W, Tensor B) _norm1 = TakeNorm(source, p + "layer_norm1", c.HiddenSize);
        private readonly (Tensor W, Tensor B) _norm2 = TakeNorm(source, p + "layer_norm2", c.HiddenSize);
        private readonly Linear _q = source.TakeLinear(p + "self_attn.q_proj", c.HiddenSize, c.HiddenSize, true);
        private readonly Linear _k = source.TakeLinear(p + "self_attn.k_proj", c.HiddenSize, c.HiddenSize, true);
        private readonly Linear _v = source.TakeLinear(p + "self_attn.v_proj", c.HiddenSize, c.HiddenSize, true);
        private readonly Linear _out = source.TakeLinear(p + "self_attn.out_proj", c.HiddenSize, c.HiddenSize, true);
        private readonly Linear _fc1 = source.TakeLinear(p + "mlp.fc1", c.IntermediateSize, c.HiddenSize, true);
        private readonly Linear _fc2 = source.TakeLinear(p + "mlp.fc2", c.HiddenSize, c.IntermediateSize, true);

        public Tensor Forward(
            Tensor x, ClipVisionConfig c, AttentionKernel attend, List<float[]>? clsAttention, Func<Tensor, Tensor>? merge)
        {
            using var scope = NewDisposeScope();
            var h = Attended(x, c, attend, clsAttention);
            if (merge is not null) h = merge(h);
            return h.Plus(Perceptron(h, c)).MoveToOuterDisposeScope();
        }

        private Tensor Attended(Tensor x, ClipVisionConfig c, AttentionKernel attend, List<float[]>? clsAttention)
        {
            using var scope = NewDisposeScope();
            var y = Norms.Layer(x, _norm1.W, _norm1.B, c.LayerNormEps);
            var q = Attention.SplitHeads(_q.Forward(y), c.Heads);
            var k = Attention.SplitHeads(_k.Forward(y), c.Heads);
            var v = Attention.SplitHeads(_v.Forward(y), c.Heads);
            if (clsAttention is not null)
            {
                for (var i = 0; i < q.shape[0]; i++)
                {
                    var row = Attention.LastRow(q.narrow(0, i, 1).narrow(2, 0, 1), k.narrow(0, i, 1));
                    clsAttention.Add(ForwardTrace.ToArray(row.narrow(0, 1, row.shape[0] - 1)));
                }
            }

            return x.Plus(_out.Forward(Attention.MergeHeads(attend(q, k, v)))).MoveToOuterDisposeScope();
        }

        private Tensor Perceptron(Tensor h, ClipVisionConfig c)
        {
            using var scope = NewDisposeScope();
            var y = Norms.Layer(h, _norm2.W, _norm2.B, c.LayerNormEps);
            return _fc2.Forward(Activations.Find(c.Activation)(_fc1.Forward(y))).MoveToOuterDisposeScope();
        }
    }
}
