namespace D2Pruner.AI;

/// <summary>A text argument of a tool.</summary>
internal sealed record VisionToolParameter(string Name, string Description, bool IsRequired);
