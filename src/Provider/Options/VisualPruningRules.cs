namespace D2Pruner.AI;

/// <summary>What no level of pruning settings may say; shared by the options validator and the per-request path.</summary>
internal static class VisualPruningRules
{
    /// <summary>Problems of one level, each with what was found and what is expected; empty when it is fine.</summary>
    public static IEnumerable<string> Check(VisualPruningOptions options)
    {
        if (options is { KeepRatio: { } ratio, KeepTokens: { } tokens })
            yield return $"KeepRatio ({D2PrunerKeys.KeepRatio} = {ratio}) and KeepTokens ({D2PrunerKeys.KeepTokens} = {tokens}) exclude each other; set one of them.";
        if (options.KeepRatio is { } r && !(r > 0 && r <= 1))
            yield return $"KeepRatio ({D2PrunerKeys.KeepRatio}) is {r}; it must be greater than 0 and at most 1.";
        if (options.KeepTokens is < 1)
            yield return $"KeepTokens ({D2PrunerKeys.KeepTokens}) is {options.KeepTokens}; at least one visual token must be kept.";
        if (options.LayersBeforePruning is < 0)
            yield return $"Layer ({D2PrunerKeys.Layer}) is {options.LayersBeforePruning}; it must be 0 or more.";
        foreach (var (name, key, value) in new[]
        {
            ("Alpha", D2PrunerKeys.Alpha, options.Alpha), ("Theta", D2PrunerKeys.Theta, options.Theta), ("PivotRatio", D2PrunerKeys.PivotRatio, options.PivotRatio),
        })
        {
            if (value is { } v && !(v >= 0 && v <= 1)) yield return $"{name} ({key}) is {v}; it must lie between 0 and 1.";
        }
        if (options.Rule is { } rule && !Enum.IsDefined(rule))
            yield return $"Rule ({D2PrunerKeys.Rule}) is {rule}; expected R1, R2 or R3.";
        if (options.Method is { } method && string.IsNullOrWhiteSpace(method))
            yield return $"Method ({D2PrunerKeys.Method}) is blank; leave it out or name a method such as d2pruner.";
    }

    /// <summary>Throws for the first level that breaks a rule.</summary>
    /// <exception cref="ArgumentException">A rule is broken; the message lists every problem.</exception>
    public static void ThrowIfInvalid(VisualPruningOptions options, string level)
    {
        var problems = Check(options).ToList();
        if (problems.Count > 0) throw new ArgumentException($"Pruning settings of the {level}: {string.Join(" ", problems)}");
    }
}
