using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Orleans;

/// <summary>A worker failed with an exception that has no counterpart here; its kind and message are what they were there.</summary>
public sealed class RemoteWorkerException : InvalidOperationException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="remoteType">Full name of the exception's type on the worker.</param>
    /// <param name="message">Its message.</param>
    /// <param name="kind">Its kind.</param>
    public RemoteWorkerException(string remoteType, string message, VisionErrorKind kind)
        : base(message) => (RemoteType, Kind) = (remoteType, kind);

    /// <summary>Full name of the exception's type on the worker.</summary>
    public string RemoteType { get; }

    /// <inheritdoc/>
    public VisionErrorKind Kind { get; }
}
