namespace D2Pruner.AI.Runtime;

/// <summary>A loaded vision-language model that answers one request at a time. Safe for concurrent use: requests queue.</summary>
public interface IVisionEngine
{
    /// <summary>Facts about the model.</summary>
    VisionModelInfo Model { get; }

    /// <summary>State and load; never blocks.</summary>
    EngineStatus GetStatus();

    /// <summary>
    /// Answers a request. Cancellation (or leaving the enumeration) is honoured while queued, between
    /// images, between layers and between tokens.
    /// </summary>
    /// <param name="request">The request; validated before it is queued.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <exception cref="EngineBusyException">The queue is full.</exception>
    /// <exception cref="ArgumentException">Settings that cannot be honoured.</exception>
    /// <exception cref="Imaging.ImageDecodeException">An image cannot be read.</exception>
    /// <exception cref="PromptException">The prompt does not fit the context or contains a placeholder literal.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    IAsyncEnumerable<GenerationEvent> GenerateAsync(VisionRequest request, CancellationToken cancellationToken = default);
}
