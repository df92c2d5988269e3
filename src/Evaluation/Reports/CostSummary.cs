using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>Costs of a condition, means over its questions.</summary>
/// <param name="Method">The method.</param>
/// <param name="Keep">Its budget.</param>
/// <param name="Layer">K.</param>
/// <param name="Kept">Visual tokens after the prefill.</param>
/// <param name="TokensPerLayer">Visual tokens a layer.</param>
/// <param name="Flops">Floating-point operations of the decoder's prefill.</param>
/// <param name="SpeedUpLimit">Unpruned operations over these.</param>
/// <param name="KvBytes">Keys and values after the prefill.</param>
public sealed record CostSummary(
    [property: JsonPropertyName("method")] string Method,
    [property: JsonPropertyName("keep")] int Keep,
    [property: JsonPropertyName("layer")] int Layer,
    [property: JsonPropertyName("kept")] double Kept,
    [property: JsonPropertyName("tokens_per_layer")] double TokensPerLayer,
    [property: JsonPropertyName("flops")] double Flops,
    [property: JsonPropertyName("speed_up_limit")] double SpeedUpLimit,
    [property: JsonPropertyName("kv_bytes")] double KvBytes);
