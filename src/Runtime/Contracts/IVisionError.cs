namespace D2Pruner.AI.Runtime;

/// <summary>An exception that knows its kind. Base types stay the framework's own; read any exception's kind with
/// <see cref="VisionErrors.GetVisionErrorKind"/>.</summary>
public interface IVisionError
{
    /// <summary>The kind.</summary>
    VisionErrorKind Kind { get; }
}
