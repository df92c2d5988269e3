namespace D2Pruner.AI.Runtime;

/// <summary>A loaded model as the engine sees it. All members but <see cref="Model"/>, the byte and run counts and <see cref="Validate"/> are called on the engine's own thread.</summary>
internal interface IRequestRunner : IDisposable
{
    VisionModelInfo Model { get; }

    long WeightBytes { get; }

    /// <summary>Bytes of cached picture features.</summary>
    long VisionCacheBytes { get; }

    /// <summary>Pictures that the tower has encoded.</summary>
    long VisionRuns { get; }

    /// <summary>Frees what can be computed again; called when memory ran out.</summary>
    /// <returns>Bytes set free.</returns>
    long Trim();

    /// <summary>Checks settings that need no picture; called on the caller's thread.</summary>
    void Validate(VisionRequest request);

    /// <summary>Answers a request, ending with <see cref="GenerationCompleted"/>.</summary>
    void Run(VisionRequest request, TimeSpan queueTime, Action<GenerationEvent> emit, CancellationToken cancellationToken);
}
