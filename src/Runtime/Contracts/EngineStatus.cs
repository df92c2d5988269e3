namespace D2Pruner.AI.Runtime;

/// <summary>State of an engine.</summary>
public enum EngineState
{
    /// <summary>Not loaded.</summary>
    NotLoaded,

    /// <summary>Loading.</summary>
    Loading,

    /// <summary>Ready or answering.</summary>
    Ready,

    /// <summary>Loading failed, or the engine's thread ended.</summary>
    Faulted,

    /// <summary>Disposed.</summary>
    Disposed,

    /// <summary>Answers what waits and takes nothing new.</summary>
    Stopping,
}

/// <summary>A snapshot of an engine.</summary>
/// <param name="State">The state.</param>
/// <param name="QueueLength">Requests waiting.</param>
/// <param name="IsBusy">Whether a request is being answered.</param>
/// <param name="WeightBytes">Bytes of weights.</param>
/// <param name="Error">Message of the failure, when faulted.</param>
/// <param name="QueueCapacity">Requests that may wait.</param>
/// <param name="VisionCacheBytes">Bytes of cached picture features.</param>
/// <param name="VisionRuns">Pictures that the vision tower has encoded; those found in the cache are not among them.</param>
public sealed record EngineStatus(EngineState State, int QueueLength, bool IsBusy, long WeightBytes, string? Error = null, int QueueCapacity = 0, long VisionCacheBytes = 0, long VisionRuns = 0);
