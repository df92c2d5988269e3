using D2Pruner.AI.Pruning;

namespace D2Pruner.AI;

/// <summary>What client options may not say; cheap, for start-up and for the constructor.</summary>
internal static class ClientOptionsRules
{
    public static IEnumerable<string> Check(D2PrunerChatClientOptions o, PrunerRegistry? pruners)
    {
        if (!Enum.IsDefined(o.Preset)) yield return $"Preset is {o.Preset}; expected Auto, Understanding, Localization or None.";
        if (o.DefaultMaxOutputTokens < 1) yield return $"DefaultMaxOutputTokens is {o.DefaultMaxOutputTokens}; it must be at least 1.";
        if (o.MaxImagePixels < 1) yield return $"MaxImagePixels is {o.MaxImagePixels}; it must be at least 1.";
        if (o.MaxImageBytes < 1) yield return $"MaxImageBytes is {o.MaxImageBytes}; it must be at least 1.";
        if (o.MaxImagesPerRequest < 1) yield return $"MaxImagesPerRequest is {o.MaxImagesPerRequest}; it must be at least 1.";
        if (o.Pruning is null) yield return "Pruning is null; leave it at its default instead.";
        else foreach (var problem in VisualPruningRules.Check(o.Pruning, pruners)) yield return problem;
    }

    /// <exception cref="ArgumentException">The options are invalid; the message lists every problem.</exception>
    public static void ThrowIfInvalid(D2PrunerChatClientOptions options, PrunerRegistry? pruners)
    {
        var problems = Check(options, pruners).ToList();
        if (problems.Count > 0) throw new ArgumentException($"Chat client options: {string.Join(" ", problems)}", nameof(options));
    }
}
