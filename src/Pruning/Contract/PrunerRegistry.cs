using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Pruning.Experiments;

namespace D2Pruner.AI.Pruning;

/// <summary>The known pruning methods. Immutable; an application adds its own with <see cref="With"/>.</summary>
public sealed class PrunerRegistry
{
    // A list rather than reflection, so that trimmed and ahead-of-time compiled programs keep them; a test holds that no pruner is missing.
    private static readonly Lazy<PrunerRegistry> Known = new(() => new PrunerRegistry(
    [
        D2TokenPruner.Description, D2LadderTokenPruner.Description, MaxMinTokenPruner.Description, DppTokenPruner.Description,
        FastVTokenPruner.Description, DartTokenPruner.Description, DivPruneTokenPruner.Description, FasterVlmTokenPruner.Description,
        HiRedTokenPruner.Description, HoloVTokenPruner.Description, VisPrunerTokenPruner.Description, PyramidDropTokenPruner.Description,
        RandomTokenPruner.Description, StrideTokenPruner.Description, PoolingTokenPruner.Description2, PoolingTokenPruner.Description3,
    ]));
    private readonly Dictionary<string, PrunerDescription> _byName = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Creates a registry of exactly these methods.</summary>
    /// <param name="descriptions">The methods.</param>
    /// <exception cref="ArgumentException">Two methods share a name, or a description lacks something.</exception>
    public PrunerRegistry(IEnumerable<PrunerDescription> descriptions)
    {
        ArgumentNullException.ThrowIfNull(descriptions);
        foreach (var d in descriptions)
        {
            if (string.IsNullOrWhiteSpace(d.Name)) throw new ArgumentException("A pruning method has no name.", nameof(descriptions));
            if (!_byName.TryAdd(d.Name, d))
                throw new ArgumentException($"Two pruning methods are called '{d.Name}'; rename one.", nameof(descriptions));
        }

        All = [.. _byName.Values.OrderBy(d => d.Kind).ThenBy(d => d.Name, StringComparer.Ordinal)];
        Parameters = [.. All.SelectMany(d => d.Parameters).DistinctBy(p => p.Name, StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>The methods of this library: every pruner with a static <c>Description</c>.</summary>
    public static PrunerRegistry BuiltIn => Known.Value;

    /// <summary>All methods, by kind and name.</summary>
    public IReadOnlyList<PrunerDescription> All { get; }

    /// <summary>Every parameter that some method has, one of each name.</summary>
    public IReadOnlyList<PrunerParameter> Parameters { get; }

    /// <summary>The method names.</summary>
    public IReadOnlyList<string> Names => [.. All.Select(d => d.Name)];

    /// <summary>These methods and more.</summary>
    /// <param name="descriptions">The further methods.</param>
    /// <exception cref="ArgumentException">A name is taken.</exception>
    public PrunerRegistry With(params IEnumerable<PrunerDescription> descriptions) => new([.. All, .. descriptions]);

    /// <summary>The method of this name, or null.</summary>
    /// <param name="name">A name; upper and lower case are the same.</param>
    public PrunerDescription? Find(string? name) => name is not null && _byName.TryGetValue(name, out var description) ? description : null;

    /// <summary>The method of this name.</summary>
    /// <param name="name">A name; upper and lower case are the same.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public PrunerDescription Get(string? name) =>
        Find(name) ?? throw new ArgumentException(
            $"Pruning method '{name}' is unknown; known methods: {string.Join(", ", Names)}.", nameof(name));

    /// <summary>
    /// Makes settings ready for a model: caps a K that is only a preset's at L-1, checks an explicit one, completes the parameters and
    /// makes the pruner. The one place for all of these.
    /// </summary>
    /// <param name="settings">Settings as resolved from presets and overrides.</param>
    /// <param name="decoderLayers">L, the model's number of decoder layers.</param>
    /// <exception cref="ArgumentOutOfRangeException">K is outside 0..L-1.</exception>
    /// <exception cref="ArgumentException">The method is unknown, K is too small for it, or a parameter is out of range.</exception>
    public PruningPlan Plan(PruningSettings settings, int decoderLayers)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var description = Get(settings.Method);
        var k = settings.LayersBeforePruning;
        if (settings.LayersAreExplicit && (k < 0 || k >= decoderLayers))
            throw new ArgumentOutOfRangeException(
                nameof(settings), k, $"K = {k} is outside 0..{decoderLayers - 1}: the model has {decoderLayers} decoder layers.");
        if (description.Depth == PrunerDepth.AtInput && !settings.LayersAreExplicit) k = 0;
        var ready = Complete(settings with { LayersBeforePruning = Math.Min(k, decoderLayers - 1) }, description);
        var pruner = description.Create(ready, decoderLayers);
        // What is reported as K is where pruning begins.
        if (description.Depth == PrunerDepth.OwnStages) ready = ready with { LayersBeforePruning = pruner.Schedule[0].Point.Layer + 1 };
        return new PruningPlan(ready, description, pruner);
    }

    /// <summary>Checks the settings against the method and completes them, K as it stands.</summary>
    /// <exception cref="ArgumentException">K is too small for the method, or a parameter is out of range.</exception>
    internal static PruningSettings Complete(PruningSettings settings, PrunerDescription description)
    {
        if (settings.LayersBeforePruning < description.LeastLayers)
        {
            throw new ArgumentException(
                $"K = {settings.LayersBeforePruning} is not possible with '{description.Name}': it needs what layer K-1 computed, so K " +
                    $"must be at least {description.LeastLayers}.", nameof(settings));
        }

        if (settings.LayersBeforePruning < 0)
            throw new ArgumentException($"K is {settings.LayersBeforePruning}; it must be at least 0.", nameof(settings));
        var values = description.Parameters.Aggregate(PrunerValues.Empty, (all, p) => all.With(p.Name, settings.Parameters.Value(p)));
        return settings with { Method = description.Name, Parameters = values };
    }
}
