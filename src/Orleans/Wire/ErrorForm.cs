using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>An exception as it travels: its type where both sides know it, else its kind.</summary>
/// <param name="Type">Full name of its type.</param>
/// <param name="Message">Its message, without the argument's name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Argument">The argument at fault, if one is named.</param>
/// <param name="Capacity">Capacity of the line that was full.</param>
internal sealed record ErrorForm(string Type, string Message, VisionErrorKind Kind, string? Argument = null, int Capacity = 0)
{
    public static ErrorForm Of(Exception exception)
    {
        var argument = (exception as ArgumentException)?.ParamName;
        var message = argument is null ? exception.Message
            : exception.Message.Replace($" (Parameter '{argument}')", "", StringComparison.Ordinal);
        // A worker's own cancellation is no wish of the caller's.
        return new ErrorForm(
            exception.GetType().FullName!, message, exception.GetVisionErrorKind() ?? VisionErrorKind.Unavailable, argument,
            (exception as EngineBusyException)?.Capacity ?? 0);
    }

    public Exception ToException() => Type switch
    {
        _ when Is<ArgumentException>() => new ArgumentException(Message, Argument),
        _ when Is<ArgumentNullException>() => new ArgumentNullException(Argument, Message),
        _ when Is<ArgumentOutOfRangeException>() => new ArgumentOutOfRangeException(Argument, Message),
        _ when Is<RequestTooLargeException>() => new RequestTooLargeException(Message, Argument),
        _ when Is<ImageDecodeException>() => new ImageDecodeException(Message, null, Kind),
        _ when Is<PromptException>() => new PromptException(Message, Kind),
        _ when Is<ConstraintException>() => new ConstraintException(Message),
        _ when Is<NotSupportedException>() => new NotSupportedException(Message),
        _ when Is<EngineBusyException>() => new EngineBusyException(Message, Capacity),
        _ when Is<EngineUnavailableException>() => new EngineUnavailableException(Message),
        _ when Is<EngineOutOfMemoryException>() => new EngineOutOfMemoryException(new RemoteWorkerException(Type, Message, Kind)),
        _ => new RemoteWorkerException(Type, Message, Kind),
    };

    private bool Is<T>() => Type == typeof(T).FullName;
}
