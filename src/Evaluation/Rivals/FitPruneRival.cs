using D2Pruner.AI.Pruning.Baselines;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>FitPrune: every layer deletes a fixed number of image tokens, those of the smallest product of self and cross
/// attention.</summary>
/// <param name="table">Per layer how many to delete behind it.</param>
internal sealed class FitPruneRival(IReadOnlyList<int> table) : IDecoderRival
{
    /// <summary>The method.</summary>
    public static Rival Description { get; } = new()
    {
        Name = "fitprune",
        Summary = "Every layer deletes the tokens of the smallest product of self and cross attention; how many is fitted to the first " +
        "questions of the run, at the cost of pruning to n before layer K (published: literal tables for one model). Ids kept; a " +
        "layer's own cache keeps what it deletes.",
        UsesLayer = true,
        WhyNot = (_, _) => null,
        Fit = (questions, condition) => FitPruneTable.Fit(questions, condition.Layer, condition.Keep),
        Fitted = learned => new FitPruneRival(learned),
    };

    /// <inheritdoc/>
    public IReadOnlyList<int> Layers { get; } = [.. Enumerable.Range(0, table.Count).Where(l => table[l] > 0)];

    /// <inheritdoc/>
    public bool Renumbers => false;

    /// <inheritdoc/>
    public StageOutcome Reduce(StageView view)
    {
        var (self, cross) = Sums(view);
        var deleted = FitPrune.Delete(self, cross, Math.Min(table[view.Layer], view.Count - 1));
        return new StageOutcome([.. Enumerable.Range(0, view.Count).Except(deleted)]);
    }

    /// <summary>The maximum over heads of the attention to each image token that is left, summed over the image's rows, and over those
    /// behind it.</summary>
    internal static (double[] Self, double[] Cross) Sums(StageView view)
    {
        using var scope = NewDisposeScope();
        var rows = view.Attention(view.Start, view.Count + view.Text).amax([0]).narrow(1, view.Start, view.Count).to(ScalarType.Float64);
        return (Sum(rows.narrow(0, 0, view.Count)), Sum(rows.narrow(0, view.Count, view.Text)));
        static double[] Sum(Tensor t) => [.. t.sum([0L]).cpu().data<double>()];
    }
}
