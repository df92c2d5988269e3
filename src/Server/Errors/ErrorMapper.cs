using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary>The one place that turns exceptions into what callers are told: by kind, and by type where
/// HTTP knows more than the kind.</summary>
internal static class ErrorMapper
{
    /// <summary>What to tell a caller.</summary>
    /// <param name="exception">What happened; no cancellation by the caller himself.</param>
    /// <param name="retryAfter">Seconds for a busy server.</param>
    public static ServerError Map(Exception exception, int retryAfter) => exception switch
    {
        RequestException request => request.Error,
        BadHttpRequestException { StatusCode: 413 } => ServerError.TooLarge("The request's body is larger than this server takes."),
        BadHttpRequestException bad => ServerError.BadRequest($"The request cannot be read: {bad.Message}"),
        EngineOutOfMemoryException or OutOfMemoryException =>
        ServerError.Unavailable("There is not enough memory for this request now. Send fewer or smaller images, or try again later.",
            "out_of_memory", retryAfter),
        // OpenAI's clients know a prompt beyond the context as 400 with this code.
        PromptException prompt when prompt.GetVisionErrorKind() == VisionErrorKind.TooLarge =>
            ServerError.BadRequest(prompt.Message, "messages", "context_length_exceeded"),
        ImageDecodeException image when image.GetVisionErrorKind() != VisionErrorKind.TooLarge =>
        ServerError.BadRequest(image.Message, "messages", "invalid_image"),
        ImageAccessDeniedException image when image.GetVisionErrorKind() != VisionErrorKind.TooLarge =>
        ServerError.BadRequest(image.Message, "messages", "invalid_image_url"),
        _ => exception.GetVisionErrorKind() switch
        {
            VisionErrorKind.InvalidRequest => ServerError.BadRequest(Plain(exception), Field(exception)),
            VisionErrorKind.Unsupported => ServerError.BadRequest(exception.Message, Field(exception), "unsupported"),
            VisionErrorKind.TooLarge => ServerError.TooLarge(exception.Message, "messages"),
            VisionErrorKind.Busy => ServerError.RateLimited("The server is busy: its queue is full. Try again a little later.", retryAfter),
            // The message may name paths of this machine.
            VisionErrorKind.Unavailable =>
                ServerError.Unavailable("The model cannot answer now; the server's log says why.", "model_unavailable"),
            _ => ServerError.Internal(),
        },
    };

    // The field here of the setting that a client refuses; null where it names none.
    private static string? Field(Exception exception) => RequestField.Of(exception) switch
    {
        nameof(ChatOptions.Tools) => "tools",
        nameof(ChatOptions.ToolMode) => "tool_choice",
        nameof(ChatOptions.ResponseFormat) => "response_format",
        { } key when key.StartsWith(D2PrunerKeys.Prefix, StringComparison.Ordinal) => PruningReader.PathOf(key),
        var other => other,
    };

    // Without the framework's " (Parameter 'x')", which names a variable of ours.
    private static string Plain(Exception exception)
    {
        var message = exception.Message;
        var at = exception is ArgumentException { ParamName: { } name }
            ? message.LastIndexOf($" (Parameter '{name}')", StringComparison.Ordinal) : -1;
        return at < 0 ? message : message[..at];
    }
}
