using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary>What is gathered of an answer beside its text while its updates come by.</summary>
internal sealed class AnswerFacts
{
    private AdditionalPropertiesDictionary? _properties;

    public ChatFinishReason? FinishReason { get; private set; }

    public UsageDetails? Usage { get; private set; }

    /// <summary>Seconds from the request's arrival to the first piece.</summary>
    public double? FirstToken { get; set; }

    public PruningReport? Report => D2PrunerResponseExtensions.GetPruningReport(_properties);

    /// <summary>Boxes; null where none were looked for.</summary>
    public IReadOnlyList<GroundedRegion>? Groundings => _properties?.ContainsKey(D2PrunerKeys.Groundings) == true
        ? D2PrunerResponseExtensions.GetGroundings(_properties) : null;

    public void Add(ChatResponseUpdate update)
    {
        FinishReason = update.FinishReason ?? FinishReason;
        foreach (var content in update.Contents)
        {
            if (content is not UsageContent usage) continue;
            if (Usage is null) Usage = usage.Details;
            else Usage.Add(usage.Details);
        }

        if (update.AdditionalProperties is { Count: > 0 } properties) _properties = properties;
    }

    /// <summary>OpenAI's word for the end.</summary>
    public string Reason(bool called) => FinishReason?.Value switch
    {
        "length" => "length",
        "tool_calls" => "tool_calls",
        "content_filter" => "content_filter",
        _ => called ? "tool_calls" : "stop",
    };
}
