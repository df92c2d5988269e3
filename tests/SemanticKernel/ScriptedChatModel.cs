using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Tests.SemanticKernel;

/// <summary>Another chat model: calls the given functions one after another, then answers with what the last one returned.</summary>
internal sealed class ScriptedChatModel(params (string Function, Dictionary<string, object?> Arguments)[] calls) : IChatClient
{
    private readonly Queue<(string Function, Dictionary<string, object?> Arguments)> script = new(calls);

    public List<IReadOnlyList<ChatMessage>> Requests { get; } = [];

    public IReadOnlyList<string> Tools { get; private set; } = [];

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        List<ChatMessage> seen = [.. messages];
        Requests.Add(seen);
        Tools = [.. options?.Tools?.Select(t => t.Name) ?? []];
        if (script.TryDequeue(out var call))
        {
            // A model can only call what it was offered.
            if (!Tools.Contains(call.Function))
                throw new InvalidOperationException($"'{call.Function}' is not among the offered functions: {string.Join(", ", Tools)}.");
            return Task.FromResult(new ChatResponse(
                new ChatMessage(ChatRole.Assistant,
                    [new FunctionCallContent(
                        $"call-{Requests.Count}", call.Function, call.Arguments)])) { FinishReason = ChatFinishReason.ToolCalls });
        }

        var result = seen.SelectMany(m => m.Contents).OfType<FunctionResultContent>().LastOrDefault()?.Result;
        return Task.FromResult(new ChatResponse(
            new ChatMessage(ChatRole.Assistant, $"The function said: {result}")) { FinishReason = ChatFinishReason.Stop });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates()) yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", null, "scripted-chat")
            : serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}
