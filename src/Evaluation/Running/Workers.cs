using System.Runtime.ExceptionServices;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>Threads that share a list of work.</summary>
internal static class Workers
{
    /// <summary>Runs a body on some threads, the calling one first of all; the first failure stops the others and is thrown.</summary>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="cancellationToken">Stops all.</param>
    /// <param name="body">Gets its number, and what to observe.</param>
    public static void Run(int count, CancellationToken cancellationToken, Action<int, CancellationToken> body)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ExceptionDispatchInfo? failure = null;
        void Guarded(int worker)
        {
            try
            {
                body(worker, stop.Token);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
                stop.Cancel();
            }
        }

        Thread[] others = [.. Enumerable.Range(1, count - 1).Select(w => new Thread(() => Guarded(w)) { IsBackground = true })];
        foreach (var thread in others) thread.Start();
        Guarded(0);
        foreach (var thread in others) thread.Join();
        failure?.Throw();
    }
}
