using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>A method's figures for a task.</summary>
public sealed record ReportCell
{
    /// <summary>The method; <c>unpruned</c> without pruning.</summary>
    [JsonPropertyName("method")]
    public required string Method { get; init; }

    /// <summary>Visual tokens kept of an image; all of them without pruning.</summary>
    [JsonPropertyName("keep")]
    public required int Keep { get; init; }

    /// <summary>K; 0 without pruning.</summary>
    [JsonPropertyName("layer")]
    public required int Layer { get; init; }

    /// <summary>The task, or a group of tasks.</summary>
    [JsonPropertyName("task")]
    public required string Task { get; init; }

    /// <summary>Questions.</summary>
    [JsonPropertyName("n")]
    public required int Count { get; init; }

    /// <summary>Mean score, 0..1.</summary>
    [JsonPropertyName("accuracy")]
    public required double Accuracy { get; init; }

    /// <summary>Lower end of its 95% interval.</summary>
    [JsonPropertyName("low")]
    public required double Low { get; init; }

    /// <summary>Upper end.</summary>
    [JsonPropertyName("high")]
    public required double High { get; init; }

    /// <summary>Accuracy over that of the unpruned model on the same questions; null where that is 0.</summary>
    [JsonPropertyName("retention")]
    public double? Retention { get; init; }

    /// <summary>Accuracy minus that of <c>d2pruner</c> at the same budget and depth on the same questions; 0 for
    /// itself, null where that was not run.</summary>
    [JsonPropertyName("minus_d2pruner")]
    public double? MinusD2Pruner { get; init; }

    /// <summary>Lower end of the difference's 95% interval (paired bootstrap over images).</summary>
    [JsonPropertyName("minus_low")]
    public double? MinusLow { get; init; }

    /// <summary>Upper end.</summary>
    [JsonPropertyName("minus_high")]
    public double? MinusHigh { get; init; }

    /// <summary>McNemar's exact two-sided p of that difference; null where scores are not right or wrong.</summary>
    [JsonPropertyName("p")]
    public double? P { get; init; }

    /// <summary>The same after Holm's correction over all such cells of the table.</summary>
    [JsonPropertyName("p_holm")]
    public double? PHolm { get; init; }

    /// <summary>Mean IoU where boxes are asked for.</summary>
    [JsonPropertyName("mean_iou")]
    public double? MeanIou { get; init; }

    /// <summary>Mean score where an answer that cannot be read is wrong, also to a parser that takes it for one (POPE's for yes).</summary>
    [JsonPropertyName("accuracy_strict")]
    public double AccuracyStrict { get; init; }

    /// <summary>Share of answers that cannot be read.</summary>
    [JsonPropertyName("unparsed")]
    public double Unparsed { get; init; }
}
