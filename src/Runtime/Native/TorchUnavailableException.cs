namespace D2Pruner.AI.Runtime;

/// <summary>libtorch cannot be loaded; the message says what was found and what to install.</summary>
public sealed class TorchUnavailableException(string message, Exception? inner = null)
    : InvalidOperationException(message, inner), IVisionError
{
    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Unavailable;
}
