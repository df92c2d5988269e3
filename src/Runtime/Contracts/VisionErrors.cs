using System.Reflection;

namespace D2Pruner.AI.Runtime;

/// <summary>One place that tells what an exception means to a caller.</summary>
public static class VisionErrors
{
    /// <summary>
    /// The kind of an exception that left an engine or a client: its own where it has one, else by its type. Null for a cancellation, which
    /// is no error.
    /// </summary>
    /// <param name="exception">The exception.</param>
    public static VisionErrorKind? GetVisionErrorKind(this Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception switch
        {
            IVisionError error => error.Kind,
            OperationCanceledException => null,
            AggregateException { InnerExceptions: [var only] } => GetVisionErrorKind(only),
            TargetInvocationException { InnerException: { } inner } => GetVisionErrorKind(inner),
            ArgumentException => VisionErrorKind.InvalidRequest,
            NotSupportedException => VisionErrorKind.Unsupported,
            OutOfMemoryException => VisionErrorKind.TooLarge,
            ObjectDisposedException or TimeoutException or IOException or UnauthorizedAccessException or DllNotFoundException
            or TypeInitializationException => VisionErrorKind.Unavailable,
            _ => VisionErrorKind.Internal,
        };
    }
}
