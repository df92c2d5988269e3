using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Tests.Agents;

/// <summary>A chat model that cannot see: calls the functions of each turn, then says what the last turn's calls returned, one line a
/// result.</summary>
internal sealed class ScriptedBrain(params (string Function, Dictionary<string, object?> Arguments)[][] turns) : IChatClient
{
    private readonly Queue<(string Function, Dictionary<string, object?> Arguments)[]> script = new(turns);
    private int calls;

    public List<IReadOnlyList<ChatMessage>> Requests { get; } = [];

    public IReadOnlyList<string> Tools { get; private set; } = [];

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        List<ChatMessage> seen = [.. messages];
        Requests.Add(seen);
        Tools = [.. options?.Tools?.Select(t => t.Name) ?? []];
        if (script.TryDequeue(out var turn))
        {
            if (turn.FirstOrDefault(c => !Tools.Contains(c.Function)).Function is { } missing)
                throw new InvalidOperationException($"'{missing}' is not among the offered functions: {string.Join(", ", Tools)}.");
            return Answer(ChatFinishReason.ToolCalls,
                [.. turn.Select(c => new FunctionCallContent($"call-{++calls}", c.Function, c.Arguments))]);
        }

        var results = seen.Count > 0 && seen[^1].Role == ChatRole.Tool ? seen[^1].Contents.OfType<FunctionResultContent>() : [];
        return Answer(ChatFinishReason.Stop, [new TextContent(string.Join('\n', results.Select(r => r.Result)))]);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates()) yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", null, "scripted-brain") : serviceKey is null
            && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static Task<ChatResponse> Answer(ChatFinishReason reason, IList<AIContent> contents) =>
        Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, contents)) { FinishReason = reason });
}
