namespace D2Pruner.AI.Runtime;

/// <summary>A call that the assistant asked for, in an <c>assistant</c> turn.</summary>
/// <param name="Name">The function's name.</param>
/// <param name="ArgumentsJson">Its arguments: the text of a JSON object; key order is kept.</param>
public sealed record ToolCallPart(string Name, string ArgumentsJson) : ChatPart;
