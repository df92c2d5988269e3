namespace D2Pruner.AI.Runtime;

/// <summary>Text.</summary>
/// <param name="Text">The text.</param>
public sealed record TextPart(string Text) : ChatPart;
