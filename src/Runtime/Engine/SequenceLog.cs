using Microsoft.Extensions.Logging;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>
/// What the engine's thread tells loggers, meters and span listeners. They are the application's code and may throw: nothing that they do
/// reaches the thread.
/// </summary>
internal sealed partial class SequenceLog(ILogger logger, string model)
{
    public void Loaded(VisionModelInfo info, double milliseconds) =>
        Quietly(() => Lines.Loaded(logger, info.Id, info.Family, info.DType, info.Device, milliseconds));

    public void Prefilled(Sequence s) => Quietly(() => EngineTelemetry.Prefilled(model, s.Summary!, s.Parent, s.QueuedAt));

    public void Answered(Sequence s, GenerationResult result) => Quietly(
        () => EngineTelemetry.Decoded(model, result, s.Parent),
        () => EngineTelemetry.Counted(model, "ok"),
        () => Lines.Answered(logger, result.DecodeTime.TotalMilliseconds));

    /// <summary>A request that was never queued or ended with the engine: counted; others tell of it.</summary>
    public void Lost(Exception e) => Quietly(() => EngineTelemetry.Counted(model, OutcomeOf(e)));

    public void Trimmed(long bytes) => Quietly(() => Lines.Trimmed(logger, bytes));

    public void Ended(Exception e) => Quietly(() => Lines.Ended(logger, e));

    public void Dropped(Sequence s, Exception e) => Quietly(
        () => EngineTelemetry.Counted(model, OutcomeOf(e)),
        () =>
        {
            // A request that fails by its own input is its caller's matter: no warning, no stack trace.
            if (e is OperationCanceledException or ObjectDisposedException) Lines.Cancelled(logger);
            else if (e.GetVisionErrorKind() is VisionErrorKind.Internal or VisionErrorKind.Unavailable) Lines.Failed(logger, e);
            else Lines.Refused(logger, e.Message);
        });

    public static void Quietly(params ReadOnlySpan<Action> actions)
    {
        foreach (var action in actions)
        {
            try
            {
                action();
            }
            catch (Exception)
            {
                // A listener's fault; there is nobody to tell who does not listen the same way.
            }
        }
    }

    private static string OutcomeOf(Exception e) => e switch
    {
        OperationCanceledException or ObjectDisposedException => "cancelled",
        EngineBusyException => "rejected",
        EngineOutOfMemoryException or OutOfMemoryException => "out_of_memory",
        _ => "failed",
    };

    private static partial class Lines
    {
        [LoggerMessage(1, LogLevel.Information, "Loaded {Model} ({Family}, {DType}, {Device}) in {Milliseconds:F0} ms.")]
        public static partial void Loaded(ILogger logger, string model, string family, string dType, string device, double milliseconds);

        [LoggerMessage(2, LogLevel.Debug, "Answered a request; decoding took {Milliseconds:F0} ms.")]
        public static partial void Answered(ILogger logger, double milliseconds);

        [LoggerMessage(3, LogLevel.Debug, "A request was cancelled.")]
        public static partial void Cancelled(ILogger logger);

        [LoggerMessage(4, LogLevel.Warning, "A request failed; the engine goes on.")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(5, LogLevel.Warning,
            "Memory ran out; {Bytes} bytes of cached features and prompt beginnings were freed and the request is tried once more.")]
        public static partial void Trimmed(ILogger logger, long bytes);

        [LoggerMessage(6, LogLevel.Debug, "A request was refused: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);

        [LoggerMessage(7, LogLevel.Error, "The engine's thread ended unexpectedly; the next request loads the model again.")]
        public static partial void Ended(ILogger logger, Exception exception);
    }
}
