using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary>A request, read and checked.</summary>
/// <param name="Model">Model that it names, or null.</param>
/// <param name="Messages">The conversation.</param>
/// <param name="Options">How to answer.</param>
/// <param name="Stream">Whether the answer is streamed.</param>
/// <param name="IncludeUsage">Whether a stream ends with a chunk of usage.</param>
internal sealed record AnswerRequest(string? Model, List<ChatMessage> Messages, ChatOptions Options, bool Stream, bool IncludeUsage);
