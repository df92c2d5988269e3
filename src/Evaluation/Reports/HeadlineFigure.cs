using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>A whole set's figure.</summary>
/// <param name="Data">The data set.</param>
/// <param name="Method">The method.</param>
/// <param name="Keep">Its budget.</param>
/// <param name="Layer">K.</param>
/// <param name="Name">The figure's name.</param>
/// <param name="Value">The figure.</param>
public sealed record HeadlineFigure(
    [property: JsonPropertyName("data")] string Data,
    [property: JsonPropertyName("method")] string Method,
    [property: JsonPropertyName("keep")] int Keep,
    [property: JsonPropertyName("layer")] int Layer,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("value")] double Value)
{
    /// <summary>The figure over the unpruned one, of the questions that both answered; null where that is 0.</summary>
    [JsonPropertyName("retention")]
    public double? Retention { get; init; }
}
