using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>Reads what rides on answers: also on streamed ones put together, and after a JSON round-trip.</summary>
public static class D2PrunerResponseExtensions
{
    /// <summary>Boxes that the answer names; empty when none were read.</summary>
    public static IReadOnlyList<GroundedRegion> GetGroundings(this ChatResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return [.. response.Messages.SelectMany(m => m.GetGroundings())];
    }

    /// <summary>Boxes that a message names; empty when none were read.</summary>
    public static IReadOnlyList<GroundedRegion> GetGroundings(this ChatMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return ReportJson.ReadGroundings(message.AdditionalProperties?.GetValueOrDefault(D2PrunerKeys.Groundings)) ?? [];
    }

    /// <summary>What pruning did, or null when the answer is not from this library.</summary>
    public static PruningReport? GetPruningReport(this ChatResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return response.Messages.Select(m => m.GetPruningReport()).LastOrDefault(r => r is not null);
    }

    /// <summary>What pruning did, or null when the message is not from this library.</summary>
    public static PruningReport? GetPruningReport(this ChatMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return ReportJson.ReadReport(message.AdditionalProperties?.GetValueOrDefault(D2PrunerKeys.Report));
    }

    /// <summary>Boxes in a property bag: an answer's <c>AdditionalProperties</c>, or the <c>Metadata</c> of Semantic Kernel's
    /// content; empty when none were read.</summary>
    public static IReadOnlyList<GroundedRegion> GetGroundings(this IReadOnlyDictionary<string, object?>? metadata) =>
        ReportJson.ReadGroundings(metadata?.GetValueOrDefault(D2PrunerKeys.Groundings)) ?? [];

    /// <summary>What pruning did, from a property bag: an answer's <c>AdditionalProperties</c>, or the <c>Metadata</c> of Semantic Kernel's
    /// content; null when there is none.</summary>
    public static PruningReport? GetPruningReport(this IReadOnlyDictionary<string, object?>? metadata) =>
        ReportJson.ReadReport(metadata?.GetValueOrDefault(D2PrunerKeys.Report));
}
