using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>
/// Typed settings of one request, for <c>ChatOptions.RawRepresentationFactory</c>. What is set here wins over the same setting elsewhere in
/// the options. A factory is not part of a response cache's key: <c>UseD2PrunerDistributedCache</c> does not cache such requests.
/// </summary>
public sealed class VisionGenerationSettings
{
    /// <summary>Preset, or null to leave it to the options.</summary>
    public PruningPreset? Preset { get; set; }

    /// <summary>Pruning overrides of this request.</summary>
    public VisualPruningOptions Pruning { get; set; } = new();

    /// <summary>Largest answer in tokens, at least 1.</summary>
    public int? MaxOutputTokens { get; set; }

    /// <summary>Softmax temperature; 0 is greedy.</summary>
    public double? Temperature { get; set; }

    /// <summary>Nucleus mass in (0, 1].</summary>
    public double? TopP { get; set; }

    /// <summary>Number of candidates, at least 1.</summary>
    public int? TopK { get; set; }

    /// <summary>Seed of the request's own generator.</summary>
    public long? Seed { get; set; }

    /// <summary>Multiplicative penalty of earlier tokens, greater than 0; 1 is off.</summary>
    public double? RepetitionPenalty { get; set; }

    /// <summary>Put the scores behind the selection into the report.</summary>
    public bool? IncludeScores { get; set; }

    /// <summary>What may be taken over from earlier requests with the same beginning; null leaves it to the options.</summary>
    public PrefixReuse? PrefixReuse { get; set; }

    /// <summary>Take no default from the model's generation_config.json but its stop ids.</summary>
    public bool IgnoreModelDefaults { get; set; }
}
