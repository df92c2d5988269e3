using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>Plain second implementations of the rules that the hunt compared (docs/log.md), by the names it ran them under.</summary>
internal static class EvaluationPruners
{
    /// <summary>The pruner of a name with its constant: <c>plain-ladder:0.7</c> and <c>farthest:0.5</c> (share of pivots),
    /// <c>weighted:0.5</c> (power of relevance), <c>dpp:4</c> (cells); null for others.</summary>
    public static IVisualTokenPruner? Create(PruningSettings settings) => settings.Method.Split(':') switch
    {
        ["farthest", var share] => new FarthestFirstPruner(settings, Number(share), 0),
        ["weighted", var power] => new FarthestFirstPruner(settings, 0, Number(power)),
        ["plain-ladder", var share] => new LadderPruner(settings, Number(share)),
        ["dpp", var sigma] => new DeterminantalPruner(settings, Number(sigma)),
        _ => null,
    };

    private static double Number(string text) => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
