using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>Messages as the engine sees them.</summary>
/// <param name="Turns">Turns, oldest first.</param>
/// <param name="Question">Text of the last user message, for the preset.</param>
/// <param name="SystemText">System text and instructions, for the preset.</param>
/// <param name="Images">Number of images.</param>
internal sealed record MappedMessages(IReadOnlyList<ChatTurn> Turns, string Question, string? SystemText, int Images)
{
    /// <summary>Whether an image carries a budget of its own that leaves something out.</summary>
    public bool ImagesHaveBudgets =>
        Turns.SelectMany(t => t.Parts).Any(p => p is ImagePart { KeepTokens: not null } or ImagePart { KeepRatio: < 1 });
}
