using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace D2Pruner.AI.Mcp;

/// <summary>Sends progress notifications one after another, without making the tool wait.</summary>
internal sealed class McpProgress(McpServer server, ProgressToken token, CancellationToken cancellationToken)
    : IProgress<VisionToolProgress>
{
    private readonly Lock order = new();

    /// <summary>Done when everything reported so far is sent, or could not be.</summary>
    public Task Sent { get; private set; } = Task.CompletedTask;

    public void Report(VisionToolProgress value)
    {
        lock (order) Sent = SendAsync(Sent, value);
    }

    private async Task SendAsync(Task before, VisionToolProgress value)
    {
        await before.ConfigureAwait(false);
        try
        {
            await server.NotifyProgressAsync(token, new ProgressNotificationValue { Progress = value.Step, Message = value.Message },
                cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Nobody listens any more; the answer itself will tell.
        }
    }
}
