using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>A method's accuracy minus another one's at the same budget and depth, on the same questions.</summary>
/// <param name="Method">The method.</param>
/// <param name="Minus">The other one.</param>
/// <param name="Keep">Budget of both.</param>
/// <param name="Layer">K of both.</param>
/// <param name="Task">The task, or a group of tasks.</param>
/// <param name="Count">Questions that both answered.</param>
/// <param name="Difference">The difference, -1..1.</param>
/// <param name="Low">Lower end of its 95% interval (paired bootstrap over images).</param>
/// <param name="High">Upper end.</param>
public sealed record PairedDifference(
    [property: JsonPropertyName("method")] string Method,
    [property: JsonPropertyName("minus")] string Minus,
    [property: JsonPropertyName("keep")] int Keep,
    [property: JsonPropertyName("layer")] int Layer,
    [property: JsonPropertyName("task")] string Task,
    [property: JsonPropertyName("n")] int Count,
    [property: JsonPropertyName("difference")] double Difference,
    [property: JsonPropertyName("low")] double Low,
    [property: JsonPropertyName("high")] double High);
