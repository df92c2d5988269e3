namespace D2Pruner.AI.Runtime;

/// <summary>The engine's queue is full; try again later or raise <see cref="VisionModelOptions.QueueCapacity"/>.</summary>
public sealed class EngineBusyException : InvalidOperationException
{
    /// <summary>Creates it.</summary>
    /// <param name="capacity">The queue's capacity.</param>
    public EngineBusyException(int capacity)
        : base($"The engine already has {capacity} waiting request(s), its capacity. Wait for one to finish, or raise QueueCapacity.") => Capacity = capacity;

    /// <summary>The queue's capacity.</summary>
    public int Capacity { get; }
}
