namespace D2Pruner.AI.Server;

/// <summary>An error as a caller sees it.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Type">OpenAI's type.</param>
/// <param name="Code">OpenAI's code.</param>
/// <param name="Message">What was found, what was expected, what to do.</param>
/// <param name="Param">Field of the request that is meant, or null.</param>
/// <param name="RetryAfter">Seconds after which to try again, or null.</param>
/// <param name="Outcome">Label of the request counter.</param>
internal sealed record ServerError(
    int Status, string Type, string? Code, string Message, string? Param = null, int? RetryAfter = null, string Outcome = Outcomes.Invalid)
{
    private const string Invalid = "invalid_request_error";
    private const string Server = "server_error";

    public static ServerError BadRequest(string message, string? param = null, string? code = null) =>
        new(400, Invalid, code, message, param);

    public static ServerError InvalidKey(string message) => new(401, Invalid, "invalid_api_key", message, Outcome: Outcomes.Unauthorized);

    public static ServerError Forbidden(string message) => new(403, Invalid, "forbidden", message, Outcome: Outcomes.Unauthorized);

    public static ServerError ModelNotFound(string message) => new(404, Invalid, "model_not_found", message, "model");

    public static ServerError NotFound(string message) => new(404, Invalid, "not_found", message);

    public static ServerError MethodNotAllowed(string message) => new(405, Invalid, "method_not_allowed", message);

    public static ServerError TooLarge(string message, string? param = null) =>
        new(413, Invalid, "request_too_large", message, param, Outcome: Outcomes.TooLarge);

    public static ServerError UnsupportedMediaType(string message) => new(415, Invalid, "unsupported_media_type", message);

    public static ServerError RateLimited(string message, int retryAfter) =>
        new(429, "rate_limit_exceeded", "rate_limit_exceeded", message, null, retryAfter, Outcomes.Busy);

    public static ServerError Unavailable(string message, string code, int? retryAfter = null) =>
        new(503, Server, code, message, null, retryAfter, Outcomes.Unavailable);

    public static ServerError Internal() =>
        new(500, Server, "internal_error", "The server could not answer this request because of a fault of its own; its log says more.",
            Outcome: Outcomes.Failed);
}
