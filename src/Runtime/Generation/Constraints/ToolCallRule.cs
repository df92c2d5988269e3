namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>Whether an answer may or must call tools.</summary>
internal enum ToolCallRule
{
    /// <summary>The model decides.</summary>
    Optional,

    /// <summary>The answer is one or more calls.</summary>
    Required,

    /// <summary>The answer holds no call.</summary>
    Forbidden,
}
