using System.Globalization;
using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Evaluation.Rivals;
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

    /// <summary>Behind a method that divides by a prior: <c>prior=uniform</c> leaves it out.</summary>
    private const string Prior = "prior";

    /// <summary>Names that can be evaluated.</summary>
    public static IReadOnlyList<string> Names =>
        [EvaluationOptions.DefaultMethod, .. PrunerRegistry.BuiltIn.Names, .. RivalCatalog.All.Select(r => r.Name), Oracle];

    /// <summary>The name of a method's published form; null where it is the method itself, or there is none.</summary>
    public static string? OfficialOf(string method) => RivalCatalog.OfficialOf(method);

    /// <summary>Checks a condition's method and parameters.</summary>
    /// <exception cref="ArgumentException">The method or a parameter is unknown, or a value is out of range.</exception>
    public static void Check(Condition condition)
    {
        if (RivalCatalog.Find(condition.Method) is null) Of(condition);
    }

    /// <summary>Settings of a condition of a served method.</summary>
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
        if (parameters == Rival.Official)
            throw new ArgumentException(
                $"'{name}' has no published form beside the method itself; methods that have: " +
                $"{string.Join(", ", Names.Where(m => RivalCatalog.OfficialOf(m) is not null))}.", nameof(condition));
        foreach (var pair in parameters.Split(':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (key, value) = pair.Split('=', 2) is [var k, var v] ? (k, v)
                : throw new ArgumentException(
                    $"'{pair}' of method '{condition.Method}' is no parameter; expected NAME=VALUE.", nameof(condition));
            if (key == Prior && description.UsesPrior)
            {
                if (value != PruningPlan.UniformPrior)
                    throw new ArgumentException(
                        $"'{pair}' of method '{condition.Method}' is not known; {Prior}={PruningPlan.UniformPrior} is.", nameof(condition));
                settings = settings with { Prior = value };
                continue;
            }

            var parameter = description.Find(key)
                ?? throw new ArgumentException(
                    $"Method '{description.Name}' has no parameter '{key}'; it has " +
                    $"{string.Join(", ", description.Parameters.Select(d => d.Name))}.", nameof(condition));
            settings = settings with { Parameters = settings.Parameters.With(parameter.Name, parameter.Read(value)) };
        }

        return settings;
    }

    /// <summary>What two conditions have in common that give the same answers under two names.</summary>
    public static object Identity(Condition condition, int decoderLayers)
    {
        if (RivalCatalog.Find(condition.Method) is { } rival) return condition with { Layer = rival.UsesLayer ? condition.Layer : 0 };
        if (condition.IsUnpruned || condition.Method == Oracle) return condition;
        return PrunerRegistry.BuiltIn.Plan(Of(condition), decoderLayers).Settings with { LayersAreExplicit = false };
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
