using System.Text.Json.Serialization;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>A model's answer to one question under one condition, as a run's file keeps it.</summary>
internal sealed record SampleAnswer
{
    /// <summary>The text, raw: any parser can be run over it again.</summary>
    [JsonPropertyName("text")]
    public required string Text { get; init; }

    /// <summary>Score, 0..1.</summary>
    [JsonPropertyName("score")]
    public required double Score { get; init; }

    /// <summary>Score where an answer that cannot be read is wrong.</summary>
    [JsonIgnore]
    public double StrictScore => Parsed == false ? 0 : Score;

    /// <summary>IoU of a box.</summary>
    [JsonPropertyName("iou"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Iou { get; init; }

    /// <summary>False where there is no answer in the text.</summary>
    [JsonPropertyName("parsed"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Parsed { get; init; }

    /// <summary>Visual tokens left at the end of the prefill.</summary>
    [JsonPropertyName("kept")]
    public int Kept { get; init; }

    /// <summary>Visual tokens a layer, on average over the layers.</summary>
    [JsonPropertyName("tokens_per_layer")]
    public double TokensPerLayer { get; init; }

    /// <summary>Floating-point operations of the decoder's prefill, by arithmetic.</summary>
    [JsonPropertyName("flops")]
    public double Flops { get; init; }

    /// <summary>Bytes of keys and values after the prefill.</summary>
    [JsonPropertyName("kv")]
    public long KvBytes { get; init; }

    /// <summary>Milliseconds of the decoder's prefill, pruning included (layers that several
    /// conditions share are counted in each).</summary>
    [JsonPropertyName("ms")]
    public double PrefillMs { get; init; }

    /// <summary>Milliseconds of the pruning in it.</summary>
    [JsonPropertyName("prune_ms")]
    public double PruneMs { get; init; }
}
