using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>A condition that this model cannot run.</summary>
/// <param name="Method">The method.</param>
/// <param name="Keep">Its budget.</param>
/// <param name="Layer">K.</param>
/// <param name="Why">Why.</param>
public sealed record Refusal(
    [property: JsonPropertyName("method")] string Method,
    [property: JsonPropertyName("keep")] int Keep,
    [property: JsonPropertyName("layer")] int Layer,
    [property: JsonPropertyName("why")] string Why);
