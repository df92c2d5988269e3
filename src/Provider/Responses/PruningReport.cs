using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI;

/// <summary>
/// What pruning did for one answer. It travels as JSON (snake_case names of these properties, null
/// ones and an empty list of issues left out) under <c>d2pruner.report</c>
/// in the answer message's <c>AdditionalProperties</c>; read it with <see cref="D2PrunerResponseExtensions"/>.
/// </summary>
public sealed class PruningReport
{
    /// <summary>Preset in force, never Auto.</summary>
    public PruningPreset Preset { get; init; }

    /// <summary>Who named the preset (or Auto): <c>request</c> or <c>client</c>.</summary>
    public string PresetSource { get; init; } = "";

    /// <summary>Why this preset, in a sentence; and one for each thing that the model lacks for it: no calibrated prior, K lowered to
    /// its layers, an image whose borders it crops where boxes are asked for.</summary>
    public string PresetReason { get; init; } = "";

    /// <summary>Method, or null when nothing was pruned.</summary>
    public string? Method { get; init; }

    /// <summary>K, a count: layers 0..K-1 saw every token; null when nothing was pruned. <c>layer</c> in JSON.</summary>
    [JsonPropertyName("layer")]
    public int? LayersBeforePruning { get; init; }

    /// <summary>Share of each image asked to be kept, or null for an absolute budget.</summary>
    public double? KeepRatio { get; init; }

    /// <summary>Absolute budget of the request, or null for a ratio.</summary>
    public int? KeepTokens { get; init; }

    /// <summary>All parameters of the method as they were in force, by name: numbers and texts; null when nothing was pruned.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Parameters { get; init; }

    /// <summary>Weight of semantic against spatial similarity; this and the next three are null for
    /// methods that have no such parameter.</summary>
    public double? Alpha { get; init; }

    /// <summary>Edge threshold.</summary>
    public double? Theta { get; init; }

    /// <summary>Share of the budget that goes to pivots.</summary>
    public double? PivotRatio { get; init; }

    /// <summary>Pivot rule.</summary>
    public PivotRule? Rule { get; init; }

    /// <summary>Whether dropped tokens left the layers below K too.</summary>
    public bool? EvictEarlyKv { get; init; }

    /// <summary>Identity of the positional prior, or <c>uniform</c>; null where the method reads none.</summary>
    public string? Prior { get; init; }

    /// <summary>Prompt tokens before pruning, visual tokens included.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Prompt tokens that the layers from K on saw.</summary>
    public int PromptTokensKept { get; init; }

    /// <summary>Prompt tokens whose first layers were taken over from an earlier request.</summary>
    public int CachedTokens { get; init; }

    /// <summary>Prompt tokens that were computed.</summary>
    public int ComputedTokens { get; init; }

    /// <summary>How tokens were taken over: <c>exact</c>, or <c>frozen</c> with the visual tokens of an earlier
    /// question; null when none were.</summary>
    public string? Reused { get; init; }

    /// <summary>Frozen reuse: zero-based index of the turn whose question chose the visual tokens.</summary>
    public int? ReusedTurn { get; init; }

    /// <summary>Visual tokens before pruning, separators not counted.</summary>
    public int VisualTokens { get; init; }

    /// <summary>Visual tokens kept, separators not counted.</summary>
    public int VisualTokensKept { get; init; }

    /// <summary>Bytes of keys and values after the prompt.</summary>
    public long KvBytes { get; init; }

    /// <summary>Bytes of keys and values the whole prompt would have taken.</summary>
    public long KvBytesUnpruned { get; init; }

    /// <summary>Where the time went.</summary>
    public PruningReportTimes Times { get; init; } = new();

    /// <summary>Per image, in order of appearance.</summary>
    public IReadOnlyList<PrunedImageReport> Images { get; init; } = [];

    /// <summary>What was wrong with boxes in the answer, one sentence each: malformed ones, and guesses that were made.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> GroundingIssues { get; init; } = [];

    // Left out where there are none, as in the server's answers: a report stays in the conversation.
    [JsonInclude, JsonPropertyName("grounding_issues")]
    internal IReadOnlyList<string>? Issues
    {
        get => GroundingIssues.Count > 0 ? GroundingIssues : null;
        init => GroundingIssues = value ?? [];
    }

    /// <summary>The report on a few lines: preset, method and settings, counts, times, and one line an image.</summary>
    public override string ToString()
    {
        var text = new System.Text.StringBuilder();
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{Preset} ({PresetSource}): {PresetReason}");
        text.AppendLine();
        if (Method is null) text.Append("nothing pruned");
        else text.Append(System.Globalization.CultureInfo.InvariantCulture,
            $"{Method}, K = {LayersBeforePruning}, prior {Prior ?? "none"}: {VisualTokensKept} of {VisualTokens} visual tokens kept");
        text.Append(System.Globalization.CultureInfo.InvariantCulture,
            $"; prompt {PromptTokensKept} of {PromptTokens} tokens, KV {KvBytes / 1024} of {KvBytesUnpruned / 1024} KiB");
        text.AppendLine().Append(Times);
        foreach (var image in Images) text.AppendLine().Append(image);
        foreach (var issue in GroundingIssues) text.AppendLine().Append("grounding: ").Append(issue);
        return text.ToString();
    }
}
