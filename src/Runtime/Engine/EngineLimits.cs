namespace D2Pruner.AI.Runtime.Engine;

/// <summary>What may wait and run at once.</summary>
internal sealed record EngineLimits
{
    public int QueueCapacity { get; init; } = 64;

    public QueueFullMode QueueFullMode { get; init; }

    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public int MaxSequences { get; init; } = 16;

    /// <summary>Null: 100 ms on CUDA, one slice elsewhere.</summary>
    public TimeSpan? MaxDecodeStall { get; init; }

    public static EngineLimits From(VisionModelOptions o) => new()
    {
        QueueCapacity = o.QueueCapacity,
        QueueFullMode = o.QueueFullMode,
        QueueTimeout = o.QueueTimeout,
        MaxSequences = o.MaxSequences,
        MaxDecodeStall = o.MaxDecodeStall,
    };
}
