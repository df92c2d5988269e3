namespace D2Pruner.AI.Runtime;

/// <summary>A prompt cannot be used: it does not fit the context, or its images and placeholders do not match.</summary>
/// <param name="message">What was found and what was expected.</param>
/// <param name="kind">The kind.</param>
public sealed class PromptException(string message, VisionErrorKind kind = VisionErrorKind.InvalidRequest)
    : InvalidOperationException(message), IVisionError
{
    /// <inheritdoc/>
    public VisionErrorKind Kind => kind;
}
