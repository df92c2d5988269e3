namespace D2Pruner.AI.Runtime;

/// <summary>A piece of a turn.</summary>
public abstract record ChatPart;
