using D2Pruner.AI.Pruning.Baselines;

namespace D2Pruner.AI.Pruning;

/// <summary>Makes a pruner by its method name.</summary>
public static class PrunerFactory
{
    private static readonly Dictionary<string, Func<PruningSettings, IVisualTokenPruner>> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["d2pruner"] = s => new D2TokenPruner(s),
        ["fastv"] = s => new FastVTokenPruner(s),
        ["divprune"] = s => new DivPruneTokenPruner(s),
        ["dart"] = s => new DartTokenPruner(s),
        ["random"] = s => new RandomTokenPruner(s),
    };

    /// <summary>The known method names.</summary>
    public static IReadOnlyCollection<string> Methods => Known.Keys;

    /// <summary>Creates the pruner that <see cref="PruningSettings.Method"/> names.</summary>
    /// <exception cref="ArgumentException">The method is unknown, or the settings are not possible with it.</exception>
    public static IVisualTokenPruner Create(PruningSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Known.TryGetValue(settings.Method ?? "", out var create)
            ? create(settings)
            : throw new ArgumentException($"Pruning method '{settings.Method}' is unknown; known methods: {string.Join(", ", Known.Keys)}.", nameof(settings));
    }
}
