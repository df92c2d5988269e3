using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI;

/// <summary>
/// The policy for what this provider cannot honour: a hint is ignored with one log entry (an error in strict mode); dropping what changes
/// the meaning of the request is always a <see cref="NotSupportedException"/>.
/// </summary>
internal sealed partial class UnsupportedOptions(bool strict, ILogger logger)
{
    public void Check(ChatOptions options)
    {
        if (!string.IsNullOrEmpty(options.ConversationId))
            Ignore("ConversationId", "no conversation is kept; send the whole history with each request");
#pragma warning disable MEAI001 // Experimental property: read, never exposed.
        if (options.ContinuationToken is not null)
            throw new NotSupportedException(
                "ContinuationToken is set, but answers of this client cannot be resumed. Send the request again without it.");
#pragma warning restore MEAI001
    }

    /// <summary>Ignores content of a message that this provider does not know.</summary>
    public void IgnoreContent(AIContent content) =>
        Ignore(content.GetType().Name, "this kind of message content is unknown to the provider");

    /// <summary>Ignores a hint with one log entry, or throws in strict mode.</summary>
    public void Ignore(string name, string reason)
    {
        if (strict) throw new NotSupportedException($"{name} cannot be honoured: {reason}. (StrictOptions is on.)");
        LogIgnored(logger, name, reason);
    }

    /// <summary>Notes what of a JSON schema is not enforced, in one log entry.</summary>
    public void Relaxed(IReadOnlyList<string> notes)
    {
        if (notes.Count > 0) LogRelaxed(logger, string.Join("; ", notes));
    }

    /// <summary>Notes a tool call that could not be read.</summary>
    public void MalformedCall(string reason) => LogMalformedCall(logger, reason);

    [LoggerMessage(EventId = 3, EventName = "SchemaRelaxed", Level = LogLevel.Warning,
        Message = "The JSON schema is not enforced in full: {Keywords}.")]
    private static partial void LogRelaxed(ILogger logger, string keywords);

    [LoggerMessage(EventId = 4, EventName = "MalformedToolCall", Level = LogLevel.Warning,
        Message = "The answer holds a tool call that cannot be read ({Reason}); it is handed out as text.")]
    private static partial void LogMalformedCall(ILogger logger, string reason);

    [LoggerMessage(EventId = 1, EventName = "OptionIgnored", Level = LogLevel.Warning, Message = "Ignored {Option}: {Reason}.")]
    private static partial void LogIgnored(ILogger logger, string option, string reason);
}
