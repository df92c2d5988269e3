using System.Globalization;
using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Prompts;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>Turns a condition into a pruner: the product's methods by name, with parameters (<c>d2pruner:pivot_ratio=1:alpha=0.5</c>), the
/// rule in force, and the one that knows the answer.</summary>
internal static class MethodSettings
{
    /// <summary>Keeps the tokens of the true box, then a uniform choice: separates an error of selection from the damage of
    /// pruning itself. Only for boxes.</summary>
    public const string Oracle = "oracle";

    /// <summary>The paper's rule with a rising threshold.</summary>
    public const string Ladder = "d2pruner-ladder";

    /// <summary>Names that can be evaluated.</summary>
    public static IReadOnlyList<string> Names => [EvaluationOptions.DefaultMethod, .. PrunerRegistry.BuiltIn.Names, Oracle];

    /// <summary>Settings of a condition.</summary>
    /// <exception cref="ArgumentException">The method or a parameter is unknown, or a value is out of range.</exception>
    public static PruningSettings Of(Condition condition)
    {
        var (name, parameters) = condition.Method.Split(':', 2) is [var n, var p] ? (n, p) : (condition.Method, "");
        var settings = PruningSettings.FromPreset(PruningPreset.Understanding) with
        {
            LayersBeforePruning = condition.Layer, LayersAreExplicit = true, Budget = TokenBudget.OfTokens(condition.Keep),
        };
        if (name == Oracle) return settings with { Method = Oracle };
        if (!Names.Contains(name, StringComparer.OrdinalIgnoreCase))
            throw new ArgumentException(
                $"Pruning method '{name}' is unknown; known methods: {string.Join(", ", Names)}.", nameof(condition));
        if (name != EvaluationOptions.DefaultMethod)
            settings = settings with { Method = PrunerRegistry.BuiltIn.Get(name).Name, Parameters = PrunerValues.Empty };
        var description = PrunerRegistry.BuiltIn.Get(settings.Method);
        foreach (var pair in parameters.Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (key, value) = pair.Split('=', 2) is [var k, var v] ? (k, v)
                : throw new ArgumentException(
                    $"'{pair}' of method '{condition.Method}' is no parameter; expected NAME=VALUE.", nameof(condition));
            var parameter = description.Find(key)
                ?? throw new ArgumentException(
                    $"Method '{description.Name}' has no parameter '{key}'; it has " +
                    $"{string.Join(", ", description.Parameters.Select(d => d.Name))}.", nameof(condition));
            settings = settings with { Parameters = settings.Parameters.With(parameter.Name, parameter.Read(value)) };
        }

        return settings;
    }

    /// <summary>The pruner of a condition for a question; null where the method has no meaning for it.</summary>
    /// <exception cref="ArgumentException">K is not possible with the method.</exception>
    public static IVisualTokenPruner? Create(PruningSettings settings, EvaluationSample sample, EncodedPrompt prompt, int decoderLayers)
    {
        if (settings.Method != Oracle) return PrunerRegistry.BuiltIn.Plan(settings, decoderLayers).Pruner;
        return sample.Box is { } box && prompt.Images.Count == 1 ? new OraclePruner(settings, prompt.Images[0].Map, box) : null;
    }

    /// <summary>The rule that the presets put in force, in words.</summary>
    public static string Describe()
    {
        var s = PruningSettings.FromPreset(PruningPreset.Understanding);
        var all = PrunerRegistry.BuiltIn.Plan(s, 32).Settings;
        return string.Create(CultureInfo.InvariantCulture,
            $"{all.Method} ({all.Parameters}; alpha {PruningSettings.FromPreset(PruningPreset.Localization).Alpha} in the preset " +
            $"Localization)");
    }
}
