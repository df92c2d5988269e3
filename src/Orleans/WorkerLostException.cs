using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Orleans;

/// <summary>
/// The worker that was answering is gone. A request whose answer had not begun was tried once more elsewhere, in vain; one that had begun
/// is never continued by another worker, because the two halves would be of two answers. The same request may succeed now.
/// </summary>
public sealed class WorkerLostException : InvalidOperationException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="worker">The worker; null where none had accepted the request.</param>
    /// <param name="answerStarted">Whether a part of the answer had been handed out.</param>
    /// <param name="inner">What the cluster said.</param>
    public WorkerLostException(string? worker, bool answerStarted, Exception? inner = null)
        : base(answerStarted
            ? $"The worker {worker} was lost in the middle of its answer. What was handed out of it is incomplete; send the request again."
            : $"The worker {worker ?? "of this request"} was lost before its answer began, and so was the one that tried next. Send the " +
            "request again.", inner) => (Worker, AnswerStarted) = (worker, answerStarted);

    /// <summary>Address of the worker's silo; null where none had accepted the request.</summary>
    public string? Worker { get; }

    /// <summary>Whether a part of the answer had been handed out.</summary>
    public bool AnswerStarted { get; }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Unavailable;
}
