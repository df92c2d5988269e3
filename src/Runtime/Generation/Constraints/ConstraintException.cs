namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>A constraint met something that must not happen: a grammar that the vocabulary cannot spell, or a
/// step without a possible token.</summary>
public sealed class ConstraintException : InvalidOperationException, IVisionError
{
    /// <summary>Creates it.</summary>
    public ConstraintException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Internal;
}
