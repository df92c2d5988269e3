using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>How a layer attends: gets q [B, H, n, d], k and v [B, KV, n, d] after rotary embedding, returns [B, H, n, d].</summary>
internal delegate Tensor AttentionKernel(Tensor q, Tensor k, Tensor v);

/// <summary>One pre-norm block of the Llama family as a pure function: the same one serves, decodes and
/// trains; only the kernel differs.</summary>
internal static class DecoderLayer
{
    /// <summary>h + o(attention(RMS(h))), then h + down(act(gate) * up) of RMS(h).</summary>
    /// <param name="x">[B, n, D].</param>
    /// <param name="w">The layer's weights.</param>
    /// <param name="c">The decoder's configuration.</param>
    /// <param name="cos">[n, d].</param>
    /// <param name="sin">[n, d].</param>
    /// <param name="attend">The attention kernel; with <paramref name="lastOnly"/> it gets one query.</param>
    /// <param name="lastOnly">Keys and values of all rows, but only the last row's output: what a prompt needs of a model's last layer.</param>
    /// <returns>[B, n, D], or [B, 1, D].</returns>
    public static Tensor Forward(
        Tensor x, DecoderLayerWeights w, DecoderConfig c, Tensor cos, Tensor sin, AttentionKernel attend, bool lastOnly = false)
    {
        using var scope = NewDisposeScope();
        var h = (lastOnly ? Last(x, 1) : x).Plus(Attend(Norms.Rms(x, w.InputNorm, c.RmsNormEps), w, c, cos, sin, attend, lastOnly));
        var y = Norms.Rms(h, w.MlpNorm, c.RmsNormEps);
        var gate = Activations.Find(c.Activation)(w.Gate.Forward(y));
        return h.Plus(w.Down.Forward(gate * w.Up.Forward(y))).MoveToOuterDisposeScope();
    }

    private static Tensor Attend(
        Tensor y, DecoderLayerWeights w, DecoderConfig c, Tensor cos, Tensor sin, AttentionKernel attend, bool lastOnly)
    {
        var q = Layers.Attention.SplitHeads(w.Query.Forward(lastOnly ? Last(y, 1) : y), c.Heads);
        q = lastOnly ? Rotary.Apply(q, Last(cos, 0), Last(sin, 0)) : Rotary.Apply(q, cos, sin);
        var k = Rotary.Apply(Layers.Attention.SplitHeads(w.Key.Forward(y), c.KvHeads), cos, sin);
        var v = Layers.Attention.SplitHeads(w.Value.Forward(y), c.KvHeads);
        return w.Output.Forward(Layers.Attention.MergeHeads(attend(q, k, v)));
    }

    private static Tensor Last(Tensor x, int dimension) => x.narrow(dimension, x.shape[dimension] - 1, 1);
}
