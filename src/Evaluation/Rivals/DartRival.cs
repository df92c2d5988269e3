using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>DART as published: 4 + 8 floor(n / 8) tokens, pivots in the order of a CPython set.</summary>
internal sealed class DartRival(int layer, int keep) : IDecoderRival
{
    /// <summary>The method.</summary>
    public static Rival Description { get; } = new()
    {
        Name = $"dart:{Rival.Official}",
        Summary = "As published: 4 + 8 floor(n / 8) tokens, pivots in the order of a CPython set of positions; ids kept.",
        UsesLayer = true,
        WhyNot = (_, condition) => Dart.PerPivot(condition.Keep) > 0 ? null : "it keeps 12 tokens at least",
        Stages = (_, condition) => new DartRival(condition.Layer - 1, condition.Keep),
    };

    /// <inheritdoc/>
    public IReadOnlyList<int> Layers { get; } = [layer];

    /// <inheritdoc/>
    public bool Renumbers => false;

    /// <inheritdoc/>
    public StageOutcome Reduce(StageView view)
    {
        using var scope = torch.NewDisposeScope();
        var normed = Matrices.Of(view.Decoder.FinalNorm(view.Hidden));
        var keys = Matrices.PerHead(Attention.Repeat(view.Keys, view.Decoder.Config.Heads));
        return new StageOutcome(Dart.Select(normed, keys, view.Start, view.Count, Dart.PerPivot(keep)).Kept);
    }
}
