using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>A data set of a report.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Samples">Questions.</param>
/// <param name="Images">Images.</param>
/// <param name="Tasks">Its tasks in order.</param>
/// <param name="Groups">Groups of tasks.</param>
/// <param name="Problems">Rows that could not be used.</param>
/// <param name="Notes">Notes.</param>
public sealed record DataSummary(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("samples")] int Samples,
    [property: JsonPropertyName("images")] int Images,
    [property: JsonPropertyName("tasks")] IReadOnlyList<string> Tasks,
    [property: JsonPropertyName("groups")] IReadOnlyDictionary<string, IReadOnlyList<string>> Groups,
    [property: JsonPropertyName("problems")] IReadOnlyList<string> Problems,
    [property: JsonPropertyName("notes")] IReadOnlyList<string> Notes);
