using D2Pruner.AI.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI;

/// <summary>
/// Loads models beside the host's start and runs a small image through each, where that is asked for. While the host runs, it loads every
/// model anew that could not be loaded or has ended: where traffic follows readiness, no request would come to do it. A model that is to be
/// loaded by its first request is left to it.
/// </summary>
internal sealed partial class ModelWarmup(IServiceProvider services, TimeProvider clock, ILogger<ModelWarmup> logger) : BackgroundService
{
    private readonly string[] _warmed = [.. services.GetServices<WarmedModel>().Select(m => m.Name).Distinct()];
    private readonly string[] _registered = [.. services.GetServices<RegisteredModel>().Select(m => m.Name)];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The host goes on starting.
        await Task.Yield();
        var models = Find();
        while (!stoppingToken.IsCancellationRequested)
        {
            // One after another: two loads at once would want memory and disk for two.
            foreach (var model in models) await TendAsync(model, stoppingToken).ConfigureAwait(false);
            await Task.Delay(LoadRetry.Look, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Those to be warmed first, in the order in which they were asked for.
    private List<Tended> Find()
    {
        var models = new List<Tended>();
        foreach (var name in _warmed.Union(_registered))
        {
            try
            {
                models.Add(new Tended(name, RegisteredModel.Find(services, name, "The warm-up").Model, _warmed.Contains(name)));
            }
            catch (Exception e)
            {
                LogUnknown(name, e);
            }
        }

        return models;
    }

    private async Task TendAsync(Tended tended, CancellationToken stop)
    {
        var state = tended.Model.GetStatus().State;
        if (state == EngineState.Ready && !tended.IsDue) tended.Tries.Succeeds();
        if (stop.IsCancellationRequested || !tended.Wants(state) || clock.GetElapsedTime(tended.FailedAt) < tended.Tries.Pause) return;
        try
        {
            var start = clock.GetTimestamp();
            var engine = await tended.Model.GetAsync(stop).ConfigureAwait(false);
            if (tended.IsWarmed && engine is VisionLanguageEngine loaded)
            {
                await loaded.WarmUpAsync(stop).ConfigureAwait(false);
                LogWarm(tended.Name, clock.GetElapsedTime(start).TotalMilliseconds);
            }

            tended.IsDue = false;
            tended.Tries.Succeeds();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            tended.IsDue = false;
            if (tended.Tries.Fails(e)) LogFailed(tended.Name, e);
            else LogStillFails(tended.Name, e.Message);
            tended.FailedAt = clock.GetTimestamp();
        }
    }

    [LoggerMessage(40, LogLevel.Information, "The model '{Model}' is loaded and warm after {Milliseconds:F0} ms.")]
    private partial void LogWarm(string model, double milliseconds);

    [LoggerMessage(41, LogLevel.Error,
        "The model '{Model}' could not be loaded and warmed up. While it cannot answer, the next request tries again, and so does the " +
        "host: after 10 s, then ever more seldom, up to every 5 minutes.")]
    private partial void LogFailed(string model, Exception exception);

    [LoggerMessage(42, LogLevel.Debug, "The model '{Model}' still cannot be loaded: {Reason}")]
    private partial void LogStillFails(string model, string reason);

    [LoggerMessage(43, LogLevel.Error, "The model '{Model}' cannot be warmed up.")]
    private partial void LogUnknown(string model, Exception exception);

    /// <summary>A model and what became of the last tries.</summary>
    private sealed class Tended(string name, LazyModel model, bool isWarmed)
    {
        public string Name => name;

        public LazyModel Model => model;

        /// <summary>Loaded without a request, and run once.</summary>
        public bool IsWarmed { get; } = isWarmed;

        /// <summary>Whether it is still to be loaded and run for the first time.</summary>
        public bool IsDue { get; set; } = isWarmed;

        /// <summary>What became of the tries.</summary>
        public LoadRetry Tries { get; } = new();

        public long FailedAt { get; set; }

        /// <summary>Whether there is something to do for it. One that is being loaded, or ends, is in other hands.</summary>
        public bool Wants(EngineState state) => state switch
        {
            EngineState.Faulted => true,
            EngineState.NotLoaded => IsWarmed,
            EngineState.Ready or EngineState.Loading => IsDue,
            _ => false,
        };
    }
}
