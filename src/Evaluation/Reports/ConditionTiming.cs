using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>Measured times of a condition.</summary>
/// <param name="Method">The method.</param>
/// <param name="Keep">Its budget.</param>
/// <param name="Layer">K.</param>
/// <param name="Count">Questions.</param>
/// <param name="PrefillMs">Median milliseconds of the decoder's prefill, pruning in it.</param>
/// <param name="PruneMs">Median milliseconds of the pruning.</param>
internal sealed record ConditionTiming(
    [property: JsonPropertyName("method")] string Method,
    [property: JsonPropertyName("keep")] int Keep,
    [property: JsonPropertyName("layer")] int Layer,
    [property: JsonPropertyName("n")] int Count,
    [property: JsonPropertyName("prefill_ms")] double PrefillMs,
    [property: JsonPropertyName("prune_ms")] double PruneMs);
