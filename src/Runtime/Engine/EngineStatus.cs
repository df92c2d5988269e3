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
}

/// <summary>A snapshot of an engine.</summary>
/// <param name="State">The state.</param>
/// <param name="QueueLength">Requests waiting.</param>
/// <param name="IsBusy">Whether a request is being answered.</param>
/// <param name="WeightBytes">Bytes of weights.</param>
/// <param name="Error">Message of the failure, when faulted.</param>
public sealed record EngineStatus(EngineState State, int QueueLength, bool IsBusy, long WeightBytes, string? Error = null);
