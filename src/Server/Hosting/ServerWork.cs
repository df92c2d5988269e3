using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Server;

/// <summary>
/// The requests in work. When the host stops, readiness goes first, then running answers get their time, then what is left is cancelled;
/// only then the listener closes.
/// </summary>
internal sealed partial class ServerWork(IOptions<D2PrunerServerOptions> options, ILogger<ServerWork> logger)
    : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private bool _stopping;

    /// <summary>Whether nothing new is taken.</summary>
    public bool IsStopping => Volatile.Read(ref _stopping);

    /// <summary>Requests in work, waiting ones included.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Cancelled when the time of the last answers is over.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Takes a request in; dispose what comes back when it is answered.</summary>
    /// <exception cref="RequestException">Stopping, or too many.</exception>
    public IDisposable Enter()
    {
        lock (_gate)
        {
            if (_stopping) throw new RequestException(Stopping());
            if (_running >= options.Value.MaxConcurrentRequests)
                throw new RequestException(
                    ServerError.RateLimited($"The server already works at {options.Value.MaxConcurrentRequests} requests; try again a " +
                        "little later.", options.Value.RetryAfterSeconds));
            _running++;
            return new Leave(this);
        }
    }

    public static ServerError Stopping() => ServerError.Unavailable("The server is stopping and takes no new requests.", "stopping");

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _stopping = true;
            if (_running == 0) _idle.TrySetResult();
        }

        if (_running > 0) LogDraining(_running, options.Value.DrainSeconds);
        try
        {
            await _idle.Task.WaitAsync(TimeSpan.FromSeconds(options.Value.DrainSeconds), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            LogCancelled(Running);
        }

        await _ending.CancelAsync().ConfigureAwait(false);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _ending.Dispose();

    private void Left()
    {
        lock (_gate)
        {
            _running--;
            if (_stopping && _running == 0) _idle.TrySetResult();
        }
    }

    private sealed class Leave(ServerWork work) : IDisposable
    {
        private ServerWork? _work = work;

        public void Dispose() => Interlocked.Exchange(ref _work, null)?.Left();
    }

    [LoggerMessage(1, LogLevel.Information, "Stopping: {Requests} request(s) get up to {Seconds} seconds to finish.")]
    private partial void LogDraining(int requests, int seconds);

    [LoggerMessage(2, LogLevel.Warning, "Stopping: {Requests} request(s) did not finish in time and are cancelled.")]
    private partial void LogCancelled(int requests);
}
