using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>The published forms of served methods that choose before the decoder: before layer 0 whatever K says, in the published order,
/// ids numbered anew.</summary>
internal static class OfficialInputs
{
    private const int HoloVCrops = 16;
    private const double ImportantRatio = 0.5;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Rival> All { get; } =
    [
        Describe("divprune", "As published: a token may be taken twice where all distances are 0.",
            (view, n) => [.. DivPrune.Select(view.Projected(0), n).Order()]),
        Describe("fastervlm", "As published.", (view, n) => FasterVlm.Select(view.Cls(0, view.Read), n)),
        Describe("hired", "As published for one view.", (view, n) => HiRed.Select(view.Cls(0, view.Read), Rate(view, n))),
        Describe("holov", "As published: crop by crop, zero rows for what a full crop cannot use.",
            (view, n) => HoloV.Select(view.Attention(0, view.Read), view.Projected(0), n, HoloVCrops)),
        Describe("vispruner", "As published: similarity before the projector.",
            (view, n) => VisPruner.Select(view.Attention(0, view.Read), view.Features(0).Slice(1, view.Patches), n, ImportantRatio),
            OddResidual),
    ];

    // The code takes int(N rate); half a token more guards against a product just below n.
    private static double Rate(TowerView view, int n) => (n + 0.5) / view.Patches;

    private static Rival Describe(string name, string summary, Func<TowerView, int, int[]> choose,
        Func<VisionLanguageModel, Condition, string?>? whyNot = null) => new()
        {
            Name = $"{name}:{Rival.Official}",
            Summary = summary + " Before layer 0; ids numbered anew.",
            WhyNot = (model, condition) => RivalLimits.OneView(model, condition) ?? RivalLimits.PlainPositions(model)
                ?? whyNot?.Invoke(model, condition),
            Input = (view, keep) =>
            {
                var chosen = choose(view, keep);
                return new InputRows(view.Features(0).Gather([.. chosen.Select(i => 1 + i)]), [.. chosen.Distinct().Order()])
                {
                    Zero = keep - chosen.Length,
                };
            },
        };

    private static string? OddResidual(VisionLanguageModel model, Condition condition)
    {
        var rest = TowerView.TowerOf(model)!.Value.Tower.Config.Vision.Patches - (int)(condition.Keep * ImportantRatio);
        return rest % 2 == 0 ? null : $"the published code fails where an odd number of patches ({rest}) is left for its rounds";
    }
}
