namespace D2Pruner.AI.Runtime;

/// <summary>The engine answers nobody now: it is stopping, its thread ended, or its files changed. The
/// message says why and what helps.</summary>
/// <param name="message">Why, and what to do.</param>
/// <param name="inner">The cause, if an exception.</param>
public sealed class EngineUnavailableException(string message, Exception? inner = null)
    : InvalidOperationException(message, inner), IVisionError
{
    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Unavailable;
}
