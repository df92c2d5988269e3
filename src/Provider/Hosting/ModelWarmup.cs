using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>Loads models and runs a small image through each, beside the host's start. A failure is logged; the
/// first request then tries again.</summary>
internal sealed partial class ModelWarmup(IServiceProvider services, IReadOnlyList<string> models, ILogger<ModelWarmup> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The host goes on starting.
        await Task.Yield();
        foreach (var name in models)
        {
            try
            {
                var (_, model) = RegisteredModel.Find(services, name, "The warm-up");
                var watch = System.Diagnostics.Stopwatch.StartNew();
                var engine = await model.GetAsync(stoppingToken).ConfigureAwait(false);
                if (engine is VisionLanguageEngine loaded) await loaded.WarmUpAsync(stoppingToken).ConfigureAwait(false);
                LogWarm(name, watch.Elapsed.TotalMilliseconds);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogFailed(name, e);
            }
        }
    }

    [LoggerMessage(40, LogLevel.Information, "The model '{Model}' is loaded and warm after {Milliseconds:F0} ms.")]
    private partial void LogWarm(string model, double milliseconds);

    [LoggerMessage(41, LogLevel.Error, "The model '{Model}' could not be warmed up; the first request will try again.")]
    private partial void LogFailed(string model, Exception exception);
}
