using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>PyramidDrop as published: behind a quarter, a half and three quarters of the layers 4 n, 2 n and n tokens, by the queries and
/// keys that the next layer makes of its input.</summary>
internal sealed class PyramidDropRival(int decoderLayers, int keep) : IDecoderRival
{
    private static readonly int[] Factors = [4, 2, 1];

    /// <summary>The method.</summary>
    public static Rival Description { get; } = new()
    {
        Name = $"pyramiddrop:{Rival.Official}",
        Summary = "As published: by the next layer's queries and keys; ids numbered anew at every stage, nothing leaves a cache.",
        WhyNot = (model, _) => RivalLimits.PlainPositions(model) ?? RivalLimits.NoGroups(model)
            ?? (model.Info.DecoderLayers > Factors.Length ? null : "it needs a decoder of four layers at least"),
        Stages = (model, condition) => new PyramidDropRival(model.Info.DecoderLayers, condition.Keep),
    };

    /// <inheritdoc/>
    public IReadOnlyList<int> Layers { get; } =
        [.. Factors.Select((_, s) => decoderLayers * (s + 1) / (Factors.Length + 1) - 1)];

    /// <inheritdoc/>
    public bool Renumbers => true;

    /// <inheritdoc/>
    public StageOutcome Reduce(StageView view)
    {
        // n as a share of the original tokens is what the code takes; half a token more guards against a product just below.
        var ratio = (Math.Min((long)keep * Factors[view.Stage], view.Original) + 0.5) / view.Original;
        return new StageOutcome(PyramidDrop.Select(NextRow(view), view.Start, view.Count, view.Original, ratio));
    }

    /// <summary>The last row's attention in the next layer over that layer's input at ids 0, 1, 2..., mean over heads.</summary>
    internal static double[] NextRow(StageView view)
    {
        using var scope = NewDisposeScope();
        var (c, w) = (view.Decoder.Config, view.Decoder.Weights.Layers[view.Layer + 1]);
        var length = (int)view.Hidden.shape[0];
        var (cos, sin) = view.Decoder.RotaryTable([[.. Enumerable.Range(0, length).Select(i => (long)i)]]);
        var x = Norms.Rms(view.Hidden, w.InputNorm, c.RmsNormEps).unsqueeze(0);
        var last = x.narrow(1, length - 1, 1);
        var q = Rotary.Apply(Attention.SplitHeads(w.Query.Forward(last), c.Heads), cos.narrow(0, length - 1, 1),
            sin.narrow(0, length - 1, 1));
        var k = Rotary.Apply(Attention.SplitHeads(w.Key.Forward(x), c.KvHeads), cos, sin);
        return [.. Attention.LastRow(q, k).cpu().data<float>().Select(v => (double)v)];
    }
}
