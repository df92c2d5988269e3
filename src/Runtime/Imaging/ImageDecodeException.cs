namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>An image cannot be used: it is damaged, too large, or of an unknown format.</summary>
public sealed class ImageDecodeException : ArgumentException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="message">What was found and what was expected.</param>
    /// <param name="inner">The cause, if another exception.</param>
    /// <param name="kind">The kind: damaged and unknown ones are invalid, those over a limit too large.</param>
    public ImageDecodeException(string message, Exception? inner = null, VisionErrorKind kind = VisionErrorKind.InvalidRequest)
        : base(message, inner) => Kind = kind;

    /// <inheritdoc/>
    public VisionErrorKind Kind { get; }
}
