namespace D2Pruner.AI.Server;

/// <summary>A request that cannot be answered, with what its caller is told.</summary>
internal sealed class RequestException(ServerError error, Exception? inner = null) : Exception(error.Message, inner)
{
    public ServerError Error { get; } = error;

    /// <summary>A field that cannot be honoured.</summary>
    public static RequestException Bad(string param, string message, string? code = null) =>
        new(ServerError.BadRequest(message, param, code));
}
