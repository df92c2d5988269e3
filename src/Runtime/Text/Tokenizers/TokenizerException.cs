namespace D2Pruner.AI.Runtime.Text;

/// <summary>A tokenizer's files are missing, damaged, or of a form that is not supported.</summary>
public sealed class TokenizerException(string message, Exception? inner = null) : InvalidOperationException(message, inner), IVisionError
{
    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Unavailable;
}
