using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json.Serialization;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.Configuration;

namespace D2Pruner.AI;

/// <summary>Pruning overrides; null takes the preset's value. <see cref="KeepRatio"/> and
/// <see cref="KeepTokens"/> exclude each other.</summary>
public sealed class VisualPruningOptions
{
    /// <summary>Method: <c>d2pruner</c> (default) or another name of docs/pruners.md.</summary>
    public string? Method { get; set; }

    /// <summary>Share of each image's visual tokens to keep, in (0, 1].</summary>
    [Range(0d, 1d, MinimumIsExclusive = true)]
    public double? KeepRatio { get; set; }

    /// <summary>Visual tokens to keep in the whole request, at least 1.</summary>
    [Range(1, int.MaxValue)]
    public int? KeepTokens { get; set; }

    /// <summary>
    /// K, a count: decoder layers 0..K-1 see every token; 1..L-1, and 0 for methods that read no
    /// attention (<c>random</c>, <c>divprune</c>).
    /// <c>Layer</c> in configuration, <c>d2pruner.layer</c> in requests.
    /// </summary>
    [ConfigurationKeyName("Layer"), JsonPropertyName("layer")]
    [Range(0, int.MaxValue)]
    public int? LayersBeforePruning { get; set; }

    /// <summary>
    /// Parameters of the method by name (docs/pruners.md), numbers as text; <c>d2pruner.NAME</c> in requests. Those of other methods are
    /// ignored, so that a level may hold parameters for several.
    /// </summary>
    public IDictionary<string, string> Parameters { get; set; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Weight of semantic against spatial similarity, 0..1 (paper Eq. 6).</summary>
    [Range(0d, 1d)]
    public double? Alpha { get; set; }

    /// <summary>Edge threshold of the fused similarity, 0..1.</summary>
    [Range(0d, 1d)]
    public double? Theta { get; set; }

    /// <summary>Share of the budget that goes to pivots, 0..1.</summary>
    [Range(0d, 1d)]
    public double? PivotRatio { get; set; }

    /// <summary>How pivots and the independent set interact.</summary>
    [EnumDataType(typeof(PivotRule))]
    public PivotRule? Rule { get; set; }

    /// <summary>Evict dropped tokens' keys and values from the layers below K too.</summary>
    public bool? EvictEarlyKv { get; set; }

    /// <summary>Positional prior: a name that the operator registered (<c>VisionModelOptions.Priors</c>), <c>uniform</c>, or null for the
    /// one beside the model. Never a path.</summary>
    public string? Prior { get; set; }

    internal bool IsEmpty => this is
    {
        Method: null, KeepRatio: null, KeepTokens: null, LayersBeforePruning: null, Alpha: null, Theta: null,
        PivotRatio: null, Rule: null, EvictEarlyKv: null, Prior: null, Parameters: null or { Count: 0 },
    };

    /// <summary>Sets a parameter of the method.</summary>
    /// <param name="name">Its name, docs/pruners.md.</param>
    /// <param name="value">A number or a text.</param>
    /// <returns>These options.</returns>
    public VisualPruningOptions With(string name, object value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(value);
        Parameters[name] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        return this;
    }

    /// <summary>Every parameter that is set, the named properties included, with what a message calls it.</summary>
    internal IEnumerable<(string Name, string Label, object Value)> Values()
    {
        if (Alpha is { } alpha) yield return ("alpha", $"Alpha ({D2PrunerKeys.Alpha})", alpha);
        if (Theta is { } theta) yield return ("theta", $"Theta ({D2PrunerKeys.Theta})", theta);
        if (PivotRatio is { } ratio) yield return ("pivot_ratio", $"PivotRatio ({D2PrunerKeys.PivotRatio})", ratio);
        if (Rule is { } rule) yield return ("rule", $"Rule ({D2PrunerKeys.Rule})", rule.ToString());
        foreach (var (name, value) in Parameters ?? new Dictionary<string, string>())
            yield return (name, $"{name} ({D2PrunerKeys.Prefix}{name})", value);
    }

    internal VisualPruningOptions Copy()
    {
        var copy = (VisualPruningOptions)MemberwiseClone();
        copy.Parameters = new Dictionary<string, string>(Parameters ?? new Dictionary<string, string>(), StringComparer.OrdinalIgnoreCase);
        return copy;
    }

    /// <summary>This level's values where set, else those of a less specific level. A budget, ratio or count, is one setting.</summary>
    internal VisualPruningOptions Over(VisualPruningOptions lessSpecific)
    {
        var hasBudget = KeepRatio is not null || KeepTokens is not null;
        var parameters = lessSpecific.Copy().Parameters;
        foreach (var (name, value) in Parameters ?? new Dictionary<string, string>()) parameters[name] = value;
        return new VisualPruningOptions
        {
            Parameters = parameters,
            Method = Method ?? lessSpecific.Method,
            KeepRatio = hasBudget ? KeepRatio : lessSpecific.KeepRatio,
            KeepTokens = hasBudget ? KeepTokens : lessSpecific.KeepTokens,
            LayersBeforePruning = LayersBeforePruning ?? lessSpecific.LayersBeforePruning,
            Alpha = Alpha ?? lessSpecific.Alpha,
            Theta = Theta ?? lessSpecific.Theta,
            PivotRatio = PivotRatio ?? lessSpecific.PivotRatio,
            Rule = Rule ?? lessSpecific.Rule,
            EvictEarlyKv = EvictEarlyKv ?? lessSpecific.EvictEarlyKv,
            Prior = Prior ?? lessSpecific.Prior,
        };
    }
}
