using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI;

/// <summary>
/// The policy for what this provider cannot honour: a hint is ignored with one log entry (an error in strict mode); dropping what changes the
/// meaning of the request is always a <see cref="NotSupportedException"/>.
/// </summary>
internal sealed partial class UnsupportedOptions(bool strict, ILogger logger)
{
    public void Check(ChatOptions options)
    {
        CheckTools(options);
        CheckResponseFormat(options.ResponseFormat);
        if (!string.IsNullOrEmpty(options.ConversationId))
            Ignore("ConversationId", "no conversation is kept; send the whole history with each request");
#pragma warning disable MEAI001 // Experimental property: read, never exposed.
        if (options.ContinuationToken is not null)
            throw new NotSupportedException("ContinuationToken is set, but answers of this client cannot be resumed. Send the request again without it.");
#pragma warning restore MEAI001
    }

    /// <summary>Ignores content of a message that this provider does not know.</summary>
    public void IgnoreContent(AIContent content) => Ignore(content.GetType().Name, "this kind of message content is unknown to the provider");

    /// <summary>Ignores a hint with one log entry, or throws in strict mode.</summary>
    public void Ignore(string name, string reason)
    {
        if (strict) throw new NotSupportedException($"{name} cannot be honoured: {reason}. (StrictOptions is on.)");
        LogIgnored(logger, name, reason);
    }

    private void CheckTools(ChatOptions options)
    {
        if (options.ToolMode is RequiredChatToolMode required)
        {
            throw new NotSupportedException(
                $"ToolMode requires {(required.RequiredFunctionName is { } name ? $"a call of '{name}'" : "a tool call")}, but this client calls no tools. Use ChatToolMode.Auto, or a client that does.");
        }
        if (options.Tools is { Count: > 0 } && options.ToolMode is not NoneChatToolMode)
            Ignore("Tools", "this client calls no tools");
    }

    private void CheckResponseFormat(ChatResponseFormat? format)
    {
        if (format is not ChatResponseFormatJson json) return;
        if (json.Schema is not null)
        {
            throw new NotSupportedException(
                "ResponseFormat carries a JSON schema, but this client cannot force an answer to follow one. " +
                "Describe the shape in the prompt: GetResponseAsync<T>(..., useJsonSchemaResponseFormat: false) does that.");
        }
        Ignore("ResponseFormat", "JSON is not enforced; ask for it in the prompt");
    }

    [LoggerMessage(EventId = 1, EventName = "OptionIgnored", Level = LogLevel.Warning, Message = "Ignored {Option}: {Reason}.")]
    private static partial void LogIgnored(ILogger logger, string option, string reason);
}
