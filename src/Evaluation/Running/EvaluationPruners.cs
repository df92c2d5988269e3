using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>Rules that are tried here and nowhere served: the candidates of docs/evaluation.md's hunt, and plain second implementations.</summary>
internal static class EvaluationPruners
{
    /// <summary>Names; a constant may follow a colon, as in <c>farthest:0.5</c> (share of pivots), <c>weighted:0.5</c> (power of relevance), <c>dpp:4</c> (cells).</summary>
    public static IReadOnlyList<string> Names => ["plain-ladder", "farthest", "weighted", "dpp"];

    /// <summary>The pruner, or null if the name is none of these.</summary>
    public static IVisualTokenPruner? Create(PruningSettings settings) => settings.Method.Split(':') switch
    {
        ["farthest", var share] => new FarthestFirstPruner(settings, Number(share), 0),
        ["farthest"] => new FarthestFirstPruner(settings, 0.3, 0),
        ["weighted", var power] => new FarthestFirstPruner(settings, 0, Number(power)),
        ["weighted"] => new FarthestFirstPruner(settings, 0, 0.25),
        ["plain-ladder", var share] => new LadderPruner(settings, Number(share)),
        ["plain-ladder"] => new LadderPruner(settings, settings.PivotRatio),
        ["dpp", var sigma] => new DeterminantalPruner(settings, Number(sigma)),
        ["dpp"] => new DeterminantalPruner(settings, 4),
        _ => null,
    };

    private static double Number(string text) => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
