using D2Pruner.AI.Pruning;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>SparseVLM and SparseVLM+: three stages with the repository's lists, by the attention of text that is close to the
/// image.</summary>
internal sealed class SparseVlmRival : IDecoderRival
{
    private const int PublishedLayers = 32;
    private const int HeadsOfVersion2 = 14;
    private readonly int[] _counts;
    private readonly bool _plus;
    private int[]? _raters;

    private SparseVlmRival(int decoderLayers, int keep, bool plus)
    {
        (_counts, _plus) = (SparseVlm.Counts(keep, plus), plus);
        Layers = LayersOf(decoderLayers);
    }

    /// <summary>Both versions.</summary>
    public static IReadOnlyList<Rival> All { get; } = [Describe(plus: false), Describe(plus: true)];

    /// <inheritdoc/>
    public IReadOnlyList<int> Layers { get; }

    /// <inheritdoc/>
    public bool Renumbers => !_plus;

    /// <summary>Layers 2, 6 and 15 of 32, zero-based and dropping behind them; in proportion in other decoders.</summary>
    public static int[] LayersOf(int decoderLayers)
    {
        var layers = new int[SparseVlm.Layers.Count];
        for (var s = 0; s < layers.Length; s++)
        {
            var seen = (int)Math.Round((SparseVlm.Layers[s] + 1.0) * decoderLayers / PublishedLayers, MidpointRounding.AwayFromZero);
            layers[s] = Math.Max(seen - 1, s == 0 ? 0 : layers[s - 1] + 1);
        }

        return layers;
    }

    /// <inheritdoc/>
    public StageOutcome Reduce(StageView view)
    {
        _raters ??= Raters(view);
        var attention = Rows(view);
        var count = _counts[view.Stage];
        if (_plus)
        {
            int[] Ids(int first, int n) => [.. view.Positions.AsSpan(first, n).ToArray().Select(p => (int)p)];
            var (scores, _) = SparseVlm.ScoresOfVersion2(attention, _raters, Ids(view.Start + view.Count, view.Text),
                Ids(view.Start, view.Count), view.Decoder.Config.HeadDim, view.Decoder.Config.RopeTheta);
            return new StageOutcome(SparseVlm.Select(scores, count));
        }

        using var visual = view.Hidden.narrow(0, view.Start, view.Count);
        var stage = SparseVlm.Reduce(SparseVlm.Scores(attention, _raters), Matrices.Of(visual), count);
        return new StageOutcome(stage.Kept,
            tensor(stage.Merged.Values, [stage.Merged.Count, stage.Merged.Width]).MovedTo(view.Hidden.device, view.Hidden.dtype));
    }

    // Text rows by image columns, a matrix a head.
    internal static RowMatrix[] Rows(StageView view)
    {
        using var scope = NewDisposeScope();
        var rows = view.Attention(view.Start + view.Count, view.Text).narrow(2, view.Start, view.Count);
        return Matrices.PerHead(rows.unsqueeze(0));
    }

    internal static int[] Raters(StageView view)
    {
        using var scope = NewDisposeScope();
        var end = view.Start + view.Original;
        return SparseVlm.Raters(Matrices.Of(view.Input.narrow(0, view.Start, view.Original)),
            Matrices.Of(view.Input.narrow(0, end, view.Input.shape[0] - end)));
    }

    private static Rival Describe(bool plus) => new()
    {
        Name = plus ? "sparsevlm+" : "sparsevlm",
        Summary = plus
            ? "As published: the lists of the repository for n, attention over the rotary embedding's own bias, 14 heads; ids kept."
            : "As published: the lists of the repository for n (an average over its layers), dropped tokens merge into clusters; ids " +
            "numbered anew.",
        WhyNot = (model, condition) =>
        {
            if (RivalLimits.PlainPositions(model) is { } positions) return positions;
            if (condition.Keep is not (192 or 128 or 96 or 64)) return "the repository has lists for 192, 128, 96 and 64 tokens";
            var heads = model.Decoder.Config.Heads;
            if (plus && heads < HeadsOfVersion2) return $"it takes {HeadsOfVersion2} heads; this model has {heads}";
            return LayersOf(model.Info.DecoderLayers)[^1] < model.Info.DecoderLayers - 1 ? null : "the decoder has too few layers";
        },
        Stages = (model, condition) => new SparseVlmRival(model.Info.DecoderLayers, condition.Keep, plus),
    };
}
