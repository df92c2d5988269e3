using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>What an evaluation found: <c>report.json</c>. It holds nothing that two runs with one seed would write differently; measured
/// times are in <c>timings.json</c>.</summary>
public sealed record EvaluationReport
{
    /// <summary>The model.</summary>
    [JsonPropertyName("model")]
    public required string Model { get; init; }

    /// <summary>Seed of sampling and bootstrap.</summary>
    [JsonPropertyName("seed")]
    public required ulong Seed { get; init; }

    /// <summary>Resamples of the bootstrap.</summary>
    [JsonPropertyName("resamples")]
    public required int Resamples { get; init; }

    /// <summary>What the method <c>default</c> stands for: the rule that the presets put in force.</summary>
    [JsonPropertyName("default")]
    public required string DefaultRule { get; init; }

    /// <summary>The data sets.</summary>
    [JsonPropertyName("data")]
    public required IReadOnlyList<DataSummary> Data { get; init; }

    /// <summary>A cell for every method, budget, depth and task that was run, unpruned first.</summary>
    [JsonPropertyName("cells")]
    public required IReadOnlyList<ReportCell> Cells { get; init; }

    /// <summary>Differences to the methods that were named for it.</summary>
    [JsonPropertyName("differences")]
    public required IReadOnlyList<PairedDifference> Differences { get; init; }

    /// <summary>What each method, budget and depth costs, by arithmetic.</summary>
    [JsonPropertyName("costs")]
    public required IReadOnlyList<CostSummary> Costs { get; init; }

    /// <summary>Figures that papers print for whole sets, where they are no mean of scores.</summary>
    [JsonPropertyName("headlines")]
    public required IReadOnlyList<HeadlineFigure> Headlines { get; init; }

    /// <summary>Unpruned figures of whole sets beside those that were published of a model of this shape.</summary>
    [JsonPropertyName("published")]
    public IReadOnlyList<PublishedComparison> Published { get; init; } = [];

    /// <summary>Conditions that were asked for and have no answers, or not all.</summary>
    [JsonPropertyName("not_run")]
    public required IReadOnlyList<string> NotRun { get; init; }

    /// <summary>Conditions that were asked for and that this model cannot run, with the reason.</summary>
    [JsonPropertyName("cannot_run")]
    public required IReadOnlyList<Refusal> CannotRun { get; init; }
}
