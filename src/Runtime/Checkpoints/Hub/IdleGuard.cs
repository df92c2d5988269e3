namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Ends an operation that hears nothing for too long, and tells that from the caller's cancellation.</summary>
internal sealed class IdleGuard(TimeSpan limit, CancellationToken cancellationToken) : IDisposable
{
    private readonly CancellationTokenSource _source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    /// <exception cref="TimeoutException">Nothing was heard for the limit.</exception>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> operation)
    {
        _source.CancelAfter(limit);
        try
        {
            return await operation(_source.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"nothing was received for {limit.TotalSeconds:0.#} s", e);
        }
        finally
        {
            if (!_source.IsCancellationRequested) _source.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose() => _source.Dispose();
}
