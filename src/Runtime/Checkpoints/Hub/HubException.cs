namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>A model cannot be had from the Hub; the message says what to do.</summary>
/// <param name="kind">Why.</param>
/// <param name="message">What was found and what to do.</param>
/// <param name="inner">The cause, if another exception.</param>
public sealed class HubException(HubErrorKind kind, string message, Exception? inner = null) : IOException(message, inner), IVisionError
{
    /// <summary>Why.</summary>
    public HubErrorKind Kind { get; } = kind;

    VisionErrorKind IVisionError.Kind => VisionErrorKind.Unavailable;
}
