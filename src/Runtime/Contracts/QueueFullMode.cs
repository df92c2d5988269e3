namespace D2Pruner.AI.Runtime;

/// <summary>What happens to a request that finds the queue full.</summary>
public enum QueueFullMode
{
    /// <summary>It is refused at once with <see cref="EngineBusyException"/>.</summary>
    Reject,

    /// <summary>It waits for a place, up to <see cref="VisionModelOptions.QueueTimeout"/>, and is refused then.</summary>
    Wait,
}
