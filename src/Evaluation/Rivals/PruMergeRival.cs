using D2Pruner.AI.Pruning.Baselines;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>LLaVA-PruMerge and PruMerge+: n tokens of which the last is merged from all that was dropped, or, officially, as many as have
/// outlying attention.</summary>
internal static class PruMergeRival
{
    /// <summary>Both, at n and as published.</summary>
    public static IReadOnlyList<Rival> All { get; } =
        [.. from plus in new[] { false, true } from official in new[] { false, true } select Describe(plus, official)];

    private static Rival Describe(bool plus, bool official) => new()
    {
        Name = (plus ? "prumerge+" : "prumerge") + (official ? ":" + Rival.Official : ""),
        Summary = official ? "As published: as many patches as have outlying attention, whatever n says; ids numbered anew."
            : $"The {(plus ? "outliers (at most half of n) and an even stride" : "n - 1 patches of the highest attention")}, each with " +
            "its 32 nearest by key, and one token of the rest: n in all (published: a number that each image decides); ids numbered anew.",
        WhyNot = (model, condition) => RivalLimits.OneView(model, condition) ?? RivalLimits.PlainPositions(model)
            ?? (condition.Keep < 2 ? "it keeps a patch and a merged token at least" : null),
        Input = (view, keep) => Reduce(view, keep, plus, official),
    };

    private static InputRows Reduce(TowerView view, int keep, bool plus, bool official)
    {
        var (features, keys) = (view.Features(0), view.Keys(0, view.Last));
        var attention = PruMerge.Attention(keys, view.ClsQuery(0, view.Last));
        var kept = official ? Published(attention, plus) : PruMerge.KeptOf(attention, keep - 1, plus);
        return new InputRows(PruMerge.Merge(features.Slice(1, view.Patches), keys, attention, kept), [.. kept.Order()]);
    }

    private static int[] Published(double[] attention, bool plus)
    {
        try
        {
            return PruMerge.Kept(attention, plus).Kept;
        }
        catch (ArgumentException e)
        {
            throw new PublishedFailureException(e.Message, e);
        }
    }
}
