using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Tests.Server;

/// <summary>A chat client of no model: answers with given pieces, fails where it is told to, remembers what it was asked.</summary>
internal sealed class ScriptedChat(string modelId = "scripted") : IChatClient
{
    private readonly List<(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options)> _calls = [];
    private int _cancelled;

    public IReadOnlyList<string> Pieces { get; set; } = ["It is ", "a cat", "."];

    public TimeSpan Delay { get; set; }

    /// <summary>Thrown before the first piece.</summary>
    public Func<Exception?> Fails { get; set; } = () => null;

    /// <summary>Thrown after the last piece.</summary>
    public Exception? FailsAtTheEnd { get; set; }

    /// <summary>Content instead of the pieces.</summary>
    public Func<IReadOnlyList<ChatMessage>, ChatOptions?, IReadOnlyList<AIContent>?> Script { get; set; } = (_, _) => null;

    public ChatFinishReason Reason { get; set; } = ChatFinishReason.Stop;

    public (IReadOnlyList<ChatMessage> Messages, ChatOptions? Options) Last
    {
        get { lock (_calls) return _calls[^1]; }
    }

    public int Calls
    {
        get { lock (_calls) return _calls.Count; }
    }

    public int Cancelled => Volatile.Read(ref _cancelled);

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        List<ChatMessage> asked = [.. messages];
        lock (_calls) _calls.Add((asked, options));
        var script = Script(asked, options) ?? [.. Pieces.Select(p => new TextContent(p))];
        if (Fails() is { } failure) throw failure;
        foreach (var content in script)
        {
            try
            {
                if (Delay > TimeSpan.Zero) await Task.Delay(Delay, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref _cancelled);
                throw;
            }

            yield return new ChatResponseUpdate(ChatRole.Assistant, [content]) { MessageId = "m", ResponseId = "r" };
        }

        if (FailsAtTheEnd is { } late) throw late;
        var usage = new UsageDetails { InputTokenCount = 11, OutputTokenCount = script.Count, TotalTokenCount = 11 + script.Count,
            CachedInputTokenCount = 4 };
        yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(usage)])
        {
            MessageId = "m",
            ResponseId = "r",
            FinishReason = script.Any(c => c is FunctionCallContent) ? ChatFinishReason.ToolCalls : Reason,
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", null, modelId)
            : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}
