using D2Pruner.AI.Orleans.Client;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Orleans.Workers;

/// <summary>Loads a worker's models beside the host's start, tells the cluster of its load, and drains it when the host stops.</summary>
internal sealed partial class WorkerService(
    Worker worker, ClusterView view, IOptions<D2PrunerClusterOptions> cluster, IOptions<D2PrunerWorkerOptions> options, TimeProvider clock,
    ILogger<WorkerService> logger) : IHostedLifecycleService, IDisposable
{
    // An answer's last words, and refusals of requests that were already on their way, leave before the silo closes its connections.
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(250);
    private readonly CancellationTokenSource _stop = new();
    private Task _telling = Task.CompletedTask;
    private Task _loading = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _loading = Task.WhenAll(worker.Models.Select(m => Task.Run(() => LoadAsync(m, _stop.Token), CancellationToken.None)));
        _telling = Task.Run(() => TellAsync(_stop.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    // Before anything of the host stops: engines and silo are there until the last answer is out.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        worker.Drain();
        // A host that has no time tells nobody.
        if (cancellationToken.IsCancellationRequested) return;
        LogDraining(worker.Running);
        await TellOnceAsync().ConfigureAwait(false);
        var start = clock.GetTimestamp();
        var busy = start;
        while (clock.GetElapsedTime(start) < options.Value.DrainTimeout && !cancellationToken.IsCancellationRequested)
        {
            if (worker.Running > 0) busy = clock.GetTimestamp();
            else if (clock.GetElapsedTime(busy) >= LastWords) break;
            await Task.Delay(TimeSpan.FromMilliseconds(20), clock, CancellationToken.None).ConfigureAwait(false);
        }

        if (worker.Running > 0) LogCut(worker.Running, options.Value.DrainTimeout.TotalSeconds);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_telling, _loading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stop.Dispose();

    // An engine that ended is loaded again too: asking for it does that.
    private async Task LoadAsync(WorkerModel model, CancellationToken stop)
    {
        var tries = new LoadRetry();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await model.LoadAsync(stop).ConfigureAwait(false);
                tries.Succeeds();
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                if (tries.Fails(e)) LogLoad(model.Name, e);
                else LogStillFails(model.Name, e.Message);
            }

            var pause = tries.Pause > TimeSpan.Zero ? tries.Pause : LoadRetry.Look;
            await Task.Delay(pause, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TellAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await TellOnceAsync().ConfigureAwait(false);
            await Task.Delay(cluster.Value.LoadInterval, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TellOnceAsync()
    {
        try
        {
            await view.ExchangeAsync(worker.Report()).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The board moves; until then everyone goes by what was told last.
            LogTell(e.Message);
        }
    }

    [LoggerMessage(60, LogLevel.Information, "The worker is stopping; {Running} answers in progress go on.")]
    private partial void LogDraining(int running);

    [LoggerMessage(61, LogLevel.Warning, "{Running} answers were still in progress after {Seconds} s and are cut off.")]
    private partial void LogCut(int running, double seconds);

    [LoggerMessage(62, LogLevel.Error,
        "The model '{Model}' could not be loaded. It is tried again after 10 s, then ever more seldom, up to every 5 minutes.")]
    private partial void LogLoad(string model, Exception exception);

    [LoggerMessage(63, LogLevel.Debug, "The load could not be told: {Reason}")]
    private partial void LogTell(string reason);

    [LoggerMessage(64, LogLevel.Debug, "The model '{Model}' still cannot be loaded: {Reason}")]
    private partial void LogStillFails(string model, string reason);
}
