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
/// <param name="QueueLength">Requests waiting, those being prepared included.</param>
/// <param name="IsBusy">Whether a request is being answered.</param>
/// <param name="WeightBytes">Bytes of weights.</param>
/// <param name="Error">Message of the failure, when faulted.</param>
/// <param name="QueueCapacity">Requests that may wait.</param>
/// <param name="VisionCacheBytes">Bytes of cached image features.</param>
/// <param name="VisionRuns">Images that the vision tower has encoded; those found in the cache are not among them.</param>
public sealed record EngineStatus(
    EngineState State, int QueueLength, bool IsBusy, long WeightBytes, string? Error = null, int QueueCapacity = 0,
    long VisionCacheBytes = 0, long VisionRuns = 0)
{
    /// <summary>Answers in progress.</summary>
    public int RunningSequences { get; init; }

    /// <summary>Answers that may be in progress at once.</summary>
    public int MaxSequences { get; init; }

    /// <summary>Bytes of keys and values reserved by the answers in progress.</summary>
    public long KvBytes { get; init; }

    /// <summary>Bytes of keys and values that they may hold together.</summary>
    public long MaxKvBytes { get; init; }

    /// <summary>Bytes of cached prompt beginnings.</summary>
    public long PrefixCacheBytes { get; init; }

    /// <summary>Prompt tokens of all requests that were looked up in the prefix cache.</summary>
    public long PrefixCacheQueries { get; init; }

    /// <summary>Those of them that were found there.</summary>
    public long PrefixCacheHits { get; init; }
}
