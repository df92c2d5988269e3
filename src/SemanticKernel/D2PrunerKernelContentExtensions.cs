using D2Pruner.AI;

namespace Microsoft.SemanticKernel;

/// <summary>
/// Reads what rides on answers from Semantic Kernel's metadata: of a <see cref="ChatMessageContent"/>, and of the last piece of a streamed
/// answer (<see cref="StreamingChatMessageContent"/>).
/// </summary>
public static class D2PrunerKernelContentExtensions
{
    /// <summary>Boxes that an answer names; empty when none were read.</summary>
    /// <param name="content">The answer.</param>
    public static IReadOnlyList<GroundedRegion> GetGroundings(this KernelContent content) => Message(content).GetGroundings();

    /// <summary>Boxes that a streamed answer names; pieces before the last have none.</summary>
    /// <param name="content">A piece of the answer.</param>
    public static IReadOnlyList<GroundedRegion> GetGroundings(this StreamingKernelContent content) => Message(content).GetGroundings();

    /// <summary>What pruning did, or null when the answer is not from this library.</summary>
    /// <param name="content">The answer.</param>
    public static PruningReport? GetPruningReport(this KernelContent content) => Message(content).GetPruningReport();

    /// <summary>What pruning did, or null for pieces before the last.</summary>
    /// <param name="content">A piece of the answer.</param>
    public static PruningReport? GetPruningReport(this StreamingKernelContent content) => Message(content).GetPruningReport();

    private static Extensions.AI.ChatMessage Message(KernelContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        return Message(content.Metadata);
    }

    private static Extensions.AI.ChatMessage Message(StreamingKernelContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        return Message(content.Metadata);
    }

    // Semantic Kernel copies a message's properties into the metadata, so a message around them reads the same.
    private static Extensions.AI.ChatMessage Message(IReadOnlyDictionary<string, object?>? metadata) =>
        new() { AdditionalProperties = metadata is null ? null : new Extensions.AI.AdditionalPropertiesDictionary(metadata) };
}
