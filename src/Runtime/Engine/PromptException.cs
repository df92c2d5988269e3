namespace D2Pruner.AI.Runtime;

/// <summary>A prompt cannot be used: it does not fit the context, or its pictures and placeholders do not match.</summary>
public sealed class PromptException(string message) : InvalidOperationException(message);
