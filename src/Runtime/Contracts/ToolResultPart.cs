namespace D2Pruner.AI.Runtime;

/// <summary>What a tool answered, in a <c>tool</c> turn.</summary>
/// <param name="Content">The result as the model shall read it: plain text or JSON text, written as it is.</param>
public sealed record ToolResultPart(string Content) : ChatPart;
