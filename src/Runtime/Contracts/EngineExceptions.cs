namespace D2Pruner.AI.Runtime;

/// <summary>The engine's queue is full; try again later or raise <see cref="VisionModelOptions.QueueCapacity"/>.</summary>
public sealed class EngineBusyException : InvalidOperationException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="capacity">The queue's capacity.</param>
    public EngineBusyException(int capacity)
        : base($"The engine already has {capacity} waiting request(s), its capacity. Wait for one to finish, or raise QueueCapacity.") =>
        Capacity = capacity;

    /// <summary>Creates it for a request that waited for a place in vain.</summary>
    /// <param name="capacity">The queue's capacity.</param>
    /// <param name="waited">How long it waited.</param>
    public EngineBusyException(int capacity, TimeSpan waited)
        : base($"No place in the queue of {capacity} request(s) became free within {waited.TotalSeconds:0.#} s. Try again later, or " +
            "raise QueueCapacity or QueueTimeout.") => Capacity = capacity;

    /// <summary>Creates it for lines that are not this engine's, such as a cluster's.</summary>
    /// <param name="message">What was found, and what to do.</param>
    /// <param name="capacity">The capacity of all of them.</param>
    public EngineBusyException(string message, int capacity)
        : base(message) => Capacity = capacity;

    /// <summary>The queue's capacity.</summary>
    public int Capacity { get; }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Busy;
}

/// <summary>A request needed more memory than there is. The engine has freed what it could and goes on with the next request.</summary>
public sealed class EngineOutOfMemoryException : InvalidOperationException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="inner">What the allocator said.</param>
    public EngineOutOfMemoryException(Exception inner)
        : base("The request needs more memory than there is, even with an empty image cache. Send fewer or smaller images or less " +
            "text, keep fewer visual tokens, or lower MaxContextTokens or VisionCacheBytes.", inner)
    {
    }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.TooLarge;

    // libtorch's allocators know no type of their own for this: CUDA and CPU say it in words.
    internal static bool Is(Exception e) => e is OutOfMemoryException
        || (e is not OperationCanceledException && (e.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
            || e.Message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
            || e.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
            // cuBLAS and cuDNN, which says it in either way.
            || e.Message.Contains("_ALLOC_FAILED", StringComparison.Ordinal)
            || e.Message.Contains("_ALLOCATION_FAILED", StringComparison.Ordinal)
            // What cublasCreate says then.
            || e.Message.Contains("CUBLAS_STATUS_NOT_INITIALIZED", StringComparison.Ordinal)));
}
