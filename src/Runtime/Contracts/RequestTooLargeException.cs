namespace D2Pruner.AI.Runtime;

/// <summary>A request is over a limit; the message says which, what was found, and how to raise it.</summary>
/// <param name="message">What was found and what is allowed.</param>
/// <param name="paramName">The argument at fault, if one is.</param>
public sealed class RequestTooLargeException(string message, string? paramName = null) : ArgumentException(message, paramName), IVisionError
{
    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.TooLarge;
}
