using System.Diagnostics;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary>What is gathered of an answer beside its text while its updates come by.</summary>
/// <param name="start">When the request arrived (<see cref="Stopwatch.GetTimestamp"/>).</param>
internal sealed class AnswerFacts(long start)
{
    private readonly List<FunctionCallContent> _calls = [];
    private AdditionalPropertiesDictionary? _properties;
    private double? _firstText;
    private double? _firstCall;

    public ChatFinishReason? FinishReason { get; private set; }

    public UsageDetails? Usage { get; private set; }

    /// <summary>Calls that the caller is to run. Known at the end: a client that runs functions itself shows its calls, then their
    /// results.</summary>
    public IReadOnlyList<FunctionCallContent> Calls => [.. _calls.Where(c => !c.InformationalOnly)];

    /// <summary>Seconds from the request's arrival to the first text; without any, to the calls that the caller is to run.</summary>
    public double? FirstToken => _firstText ?? (Calls.Count > 0 ? _firstCall : null);

    public PruningReport? Report => D2PrunerResponseExtensions.GetPruningReport(_properties);

    /// <summary>Boxes; null where none were looked for.</summary>
    public IReadOnlyList<GroundedRegion>? Groundings => _properties?.ContainsKey(D2PrunerKeys.Groundings) == true
        ? D2PrunerResponseExtensions.GetGroundings(_properties) : null;

    public void Add(ChatResponseUpdate update)
    {
        FinishReason = update.FinishReason ?? FinishReason;
        if (update.Text.Length > 0) _firstText ??= Elapsed();
        foreach (var content in update.Contents)
        {
            switch (content)
            {
                case FunctionCallContent call:
                    _calls.Add(call);
                    _firstCall ??= Elapsed();
                    break;
                case FunctionResultContent result:
                    _calls.RemoveAll(c => c.CallId == result.CallId);
                    if (_calls.Count == 0) _firstCall = null;
                    break;
                case UsageContent usage:
                    if (Usage is null) Usage = usage.Details;
                    else Usage.Add(usage.Details);
                    break;
            }
        }

        if (update.AdditionalProperties is { Count: > 0 } properties) _properties = properties;
    }

    /// <summary>OpenAI's word for the end.</summary>
    public string Reason(bool called) => FinishReason?.Value switch
    {
        "length" => "length",
        "content_filter" => "content_filter",
        _ => called ? "tool_calls" : "stop",
    };

    private double Elapsed() => Stopwatch.GetElapsedTime(start).TotalSeconds;
}
