using System.Diagnostics;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>Tags on the caller's chat span: what this library knows beyond the standard ones. Nothing leaves the process.</summary>
internal sealed class RequestTelemetry
{
    private readonly Activity? _span;

    private RequestTelemetry(Activity? span) => _span = span;

    /// <summary>Starts with the span that was current when the call came in; only a chat span that collects data gets tags.</summary>
    public static RequestTelemetry Start(Activity? current)
    {
        var isChat = current is { IsAllDataRequested: true }
            && (current.DisplayName == "chat" || current.DisplayName.StartsWith("chat ", StringComparison.Ordinal));
        return new RequestTelemetry(isChat ? current : null);
    }

    public void Prefilled(PrefillSummary prefill, ResolvedPruning resolved) => _span?
        .SetTag(D2PrunerKeys.Preset, resolved.Preset.ToString().ToLowerInvariant())
        .SetTag(D2PrunerKeys.VisualTokens, prefill.VisualTokens)
        .SetTag(D2PrunerKeys.VisualTokensKept, prefill.VisualTokensKept)
        .SetTag("d2pruner.prune_ms", prefill.PruneTime.TotalMilliseconds)
        .SetTag("d2pruner.prefill_ms", prefill.PrefillTime.TotalMilliseconds);

    public void Completed(GenerationResult result) => _span?.SetTag("d2pruner.decode_ms", result.DecodeTime.TotalMilliseconds);
}
