using D2Pruner.AI.Pruning;

namespace D2Pruner.AI;

/// <summary>What no level of pruning settings may say; shared by the options validator and the per-request path.</summary>
internal static class VisualPruningRules
{
    /// <summary>Problems of one level, each with what was found and what is expected; empty when it is fine.</summary>
    /// <param name="options">The level.</param>
    /// <param name="pruners">The known methods; null leaves methods and parameters unchecked.</param>
    public static IEnumerable<string> Check(VisualPruningOptions options, PrunerRegistry? pruners) =>
        Problems(options, pruners).Select(p => p.Text);

    /// <summary>Throws for the first level that breaks a rule.</summary>
    /// <exception cref="ArgumentException">A rule is broken; the message lists every problem.</exception>
    public static void ThrowIfInvalid(VisualPruningOptions options, string level, PrunerRegistry? pruners)
    {
        var problems = Problems(options, pruners).ToList();
        if (problems.Count == 0) return;
        throw RequestField.Mark(
            new ArgumentException($"Pruning settings of the {level}: {string.Join(" ", problems.Select(p => p.Text))}"), problems[0].Key);
    }

    // With the key of the setting that is meant.
    private static IEnumerable<(string Key, string Text)> Problems(VisualPruningOptions options, PrunerRegistry? pruners)
    {
        if (options is { KeepRatio: { } ratio, KeepTokens: { } tokens })
            yield return (D2PrunerKeys.KeepTokens, $"KeepRatio ({D2PrunerKeys.KeepRatio} = {ratio}) and KeepTokens " +
                $"({D2PrunerKeys.KeepTokens} = {tokens}) exclude each other; set one of them.");
        if (options.KeepRatio is { } r && !(r > 0 && r <= 1))
            yield return (D2PrunerKeys.KeepRatio, $"KeepRatio ({D2PrunerKeys.KeepRatio}) is {r}; it must be greater than 0 and at most 1.");
        if (options.KeepTokens is < 1)
            yield return (D2PrunerKeys.KeepTokens,
                $"KeepTokens ({D2PrunerKeys.KeepTokens}) is {options.KeepTokens}; at least one visual token must be kept.");
        if (options.LayersBeforePruning is < 0)
            yield return (D2PrunerKeys.Layer, $"Layer ({D2PrunerKeys.Layer}) is {options.LayersBeforePruning}; it must be 0 or more.");
        if (options.Method is { } method && string.IsNullOrWhiteSpace(method))
            yield return (D2PrunerKeys.Method,
                $"Method ({D2PrunerKeys.Method}) is blank; leave it out or name a method such as d2pruner.");
        else if (options.Method is { } named && pruners is not null && pruners.Find(named) is null)
            yield return (D2PrunerKeys.Method,
                $"Method ({D2PrunerKeys.Method}) is '{named}'; known methods: {string.Join(", ", pruners.Names)}.");
        if (pruners is null) yield break;
        foreach (var group in options.Values().GroupBy(v => v.Name, StringComparer.OrdinalIgnoreCase))
        {
            var (name, label, value) = group.First();
            var key = D2PrunerKeys.Prefix + name;
            if (group.Count() > 1) yield return (key, $"{label} is set twice, by its property and among the parameters; set one of them.");
            // The method in force may be named at another level: then any method's parameter of this name will do.
            var parameter = pruners.Find(options.Method)?.Find(name)
                ?? pruners.Parameters.FirstOrDefault(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (parameter is null)
                yield return (key, $"{label} is a parameter of no method; known ones: " +
                    $"{string.Join(", ", pruners.Parameters.Select(p => p.Name))}.");
            else if (Problem(parameter, value, label) is { } problem) yield return (key, problem);
        }
    }

    private static string? Problem(PrunerParameter parameter, object value, string label)
    {
        try
        {
            parameter.Read(value, label);
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message.Split(" (Parameter")[0];
        }
    }
}
