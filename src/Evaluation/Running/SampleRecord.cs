using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>A line of a run's file: one question with its answers under some conditions. Lines of one question add up.</summary>
internal sealed record SampleRecord
{
    /// <summary>Name of the data set.</summary>
    [JsonPropertyName("data")]
    public required string Data { get; init; }

    /// <summary>The question's id in it.</summary>
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    /// <summary>Its task.</summary>
    [JsonPropertyName("task")]
    public required string Task { get; init; }

    /// <summary>Its image.</summary>
    [JsonPropertyName("image")]
    public string? Image { get; init; }

    /// <summary>Visual tokens of the prompt.</summary>
    [JsonPropertyName("visual")]
    public int VisualTokens { get; init; }

    /// <summary>Other tokens of the prompt.</summary>
    [JsonPropertyName("other")]
    public int OtherTokens { get; init; }

    /// <summary>Answers by condition (<see cref="Condition.Key"/>).</summary>
    [JsonPropertyName("answers")]
    public required Dictionary<string, SampleAnswer> Answers { get; init; }
}
