using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>Turns a condition into a pruner: the methods of the product by name, the rule in force, and the few that need to know the answer or live in this package only.</summary>
internal static class MethodSettings
{
    /// <summary>Keeps the tokens of the true box, then a uniform choice: separates an error of selection from the damage of pruning itself. Only for boxes.</summary>
    public const string Oracle = "oracle";

    /// <summary>Names that can be evaluated; parameters of the product's methods may follow, as in <c>d2pruner-ladder:pivot_ratio=0.3:theta=0.7</c>.</summary>
    public static IReadOnlyList<string> Names => [EvaluationOptions.DefaultMethod, .. PrunerRegistry.BuiltIn.Names, .. EvaluationPruners.Names, Oracle];

    /// <summary>Settings of a condition.</summary>
    /// <exception cref="ArgumentException">The method is unknown.</exception>
    public static PruningSettings Of(Condition condition)
    {
        var inForce = PruningSettings.FromPreset(PruningPreset.Understanding);
        var settings = inForce with { LayersBeforePruning = condition.Layer, LayersAreExplicit = true, Budget = TokenBudget.OfTokens(condition.Keep) };
        if (condition.Method == EvaluationOptions.DefaultMethod) return settings;
        if (!Names.Contains(condition.Method.Split(':')[0], StringComparer.OrdinalIgnoreCase))
            throw new ArgumentException($"Pruning method '{condition.Method}' is unknown; known methods: {string.Join(", ", Names)}.", nameof(condition));
        if (PrunerRegistry.BuiltIn.Find(condition.Method.Split(':')[0]) is not { } known) return settings with { Method = condition.Method };
        // What the method has no parameter for is refused here; values out of range by the plan.
        var values = condition.Method.Split(':')[1..].Select(p => p.Split('='))
            .Aggregate(settings.Parameters, (all, p) => p.Length == 2 && known.Find(p[0]) is { } parameter
                ? all.With(parameter.Name, p[1])
                : throw new ArgumentException(
                    $"'{string.Join('=', p)}' is no parameter of '{known.Name}'; it has {string.Join(", ", known.Parameters.Select(q => q.Name))}, as in NAME:PARAMETER=VALUE.", nameof(condition)));
        return settings with { Method = known.Name, Parameters = values };
    }

    /// <summary>The pruner of a condition for a question; null where the method has no meaning for it.</summary>
    public static IVisualTokenPruner? Create(PruningSettings settings, EvaluationSample sample, Runtime.Prompts.EncodedPrompt prompt, int decoderLayers)
    {
        if (settings.Method == Oracle)
        {
            return sample.Box is { } box && prompt.Images.Count == 1 ? new OraclePruner(settings, prompt.Images[0].Map, box) : null;
        }

        return EvaluationPruners.Create(settings) ?? PrunerRegistry.BuiltIn.Plan(settings, decoderLayers).Pruner;
    }
}
