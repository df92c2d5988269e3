using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>
/// The updates of one answer: text pieces, then one last update with usage, finish reason, boxes and report. All carry the same response
/// id, message id, role, model and time, so that they add up to one message.
/// </summary>
internal sealed class UpdateBuilder(string modelId)
{
    private readonly string id = "d2p-" + Guid.NewGuid().ToString("N");
    private readonly DateTimeOffset createdAt = DateTimeOffset.UtcNow;

    public ChatResponseUpdate Text(TextDelta delta) => Update([new TextContent(delta.Text)], delta);

    /// <summary>Pieces of text and calls.</summary>
    public ChatResponseUpdate Contents(List<AIContent> contents, GenerationEvent source) => Update(contents, source);

    public ChatResponseUpdate Last(
        GenerationCompleted completed, PruningReport report, IReadOnlyList<GroundedRegion>? regions, bool calledTools = false)
    {
        var result = completed.Result;
        List<AIContent> contents = [];
        // On a piece of its own: text with annotations never merges with its neighbours.
        if (regions is { Count: > 0 }) contents.Add(new TextContent("") { Annotations = [.. regions.Select(Annotation)] });
        contents.Add(new UsageContent(Usage(result)));

        var update = Update(contents, completed);
        update.FinishReason = result.FinishReason == GenerationFinishReason.Length ? ChatFinishReason.Length : calledTools
            ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;
        update.AdditionalProperties = new AdditionalPropertiesDictionary
        {
            [D2PrunerKeys.Report] = ReportJson.ToElement(report),
            [D2PrunerKeys.Preset] = report.Preset.ToString().ToLowerInvariant(),
            [D2PrunerKeys.VisualTokens] = report.VisualTokens,
            [D2PrunerKeys.VisualTokensKept] = report.VisualTokensKept,
        };
        if (regions is not null) update.AdditionalProperties[D2PrunerKeys.Groundings] = ReportJson.ToElement(regions);
        return update;
    }

    private ChatResponseUpdate Update(List<AIContent> contents, object raw) => new(ChatRole.Assistant, contents)
    {
        ResponseId = id,
        MessageId = id,
        ModelId = modelId,
        CreatedAt = createdAt,
        RawRepresentation = raw,
    };

    private static UsageDetails Usage(GenerationResult result) => new()
    {
        InputTokenCount = result.Prefill.PromptTokens,
        CachedInputTokenCount = result.Prefill.CachedTokens,
        OutputTokenCount = result.TokenIds.Count,
        TotalTokenCount = (long)result.Prefill.PromptTokens + result.TokenIds.Count,
        AdditionalCounts = new AdditionalPropertiesDictionary<long>
        {
            [D2PrunerKeys.InputTokensKept] = result.Prefill.PromptTokensKept,
            [D2PrunerKeys.VisualTokens] = result.Prefill.VisualTokens,
            [D2PrunerKeys.VisualTokensKept] = result.Prefill.VisualTokensKept,
        },
    };

    // The base type on purpose: JSON serialization refuses subclasses of AIAnnotation.
    private static AIAnnotation Annotation(GroundedRegion region)
    {
        var annotation = new AIAnnotation
        {
            AdditionalProperties = new AdditionalPropertiesDictionary
            {
                [D2PrunerKeys.Box] = System.Text.Json.JsonSerializer.SerializeToElement(
                    new double[] { region.Box.Left, region.Box.Top, region.Box.Right, region.Box.Bottom }, ReportJson.Default.DoubleArray),
                [D2PrunerKeys.Image] = region.ImageIndex,
                [D2PrunerKeys.ImageAssumed] = region.ImageIsAssumed,
            },
        };
        if (region.Label is not null) annotation.AdditionalProperties[D2PrunerKeys.Label] = region.Label;
        if (region is { TextStart: { } start, TextEnd: { } end })
            annotation.AnnotatedRegions = [new TextSpanAnnotatedRegion { StartIndex = start, EndIndex = end }];
        return annotation;
    }
}
