namespace D2Pruner.AI.Runtime.Models;

/// <summary>A model does not fit the memory that is free; the message gives the numbers and what would fit.</summary>
/// <param name="message">The numbers and the choices.</param>
/// <param name="needed">Bytes needed.</param>
/// <param name="free">Bytes free; 0 where the system does not tell.</param>
/// <param name="inner">What the allocator said, where memory ran out during the load; else null.</param>
public sealed class ModelMemoryException(string message, long needed, long free, Exception? inner = null)
    : InvalidOperationException(message, inner), IVisionError
{
    /// <summary>Bytes needed.</summary>
    public long NeededBytes { get; } = needed;

    /// <summary>Bytes free; 0 where the system does not tell.</summary>
    public long FreeBytes { get; } = free;

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Unavailable;
}
