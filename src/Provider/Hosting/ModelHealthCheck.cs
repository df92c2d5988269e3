using D2Pruner.AI.Runtime;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace D2Pruner.AI;

/// <summary>A model's state as health. It loads nothing and waits for nothing.</summary>
internal sealed class ModelHealthCheck(LazyModel model) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var s = model.GetStatus();
        var data = new Dictionary<string, object>
        {
            ["model"] = model.ModelId,
            ["state"] = s.State.ToString(),
            ["queue_length"] = s.QueueLength,
            ["queue_capacity"] = model.Options.QueueCapacity,
            ["busy"] = s.IsBusy,
            ["weight_bytes"] = s.WeightBytes,
            ["vision_cache_bytes"] = s.VisionCacheBytes,
            ["running"] = s.RunningSequences,
            ["max_sequences"] = s.MaxSequences,
            ["kv_bytes"] = s.KvBytes,
            ["max_kv_bytes"] = s.MaxKvBytes,
            ["prefix_cache_bytes"] = s.PrefixCacheBytes,
            ["prefix_cache_hits"] = s.PrefixCacheHits,
        };
        return Task.FromResult(s.State switch
        {
            EngineState.Ready => HealthCheckResult.Healthy("Ready.", data),
            EngineState.Faulted => HealthCheckResult.Unhealthy($"The model cannot answer: {s.Error}", data: data),
            EngineState.Disposed => HealthCheckResult.Unhealthy("The model is disposed.", data: data),
            EngineState.Stopping => HealthCheckResult.Degraded("The engine is stopping.", data: data),
            EngineState.Loading => HealthCheckResult.Degraded("The model is loading.", data: data),
            _ => HealthCheckResult.Degraded("The model is not loaded yet; the first request or a warm-up loads it.", data: data),
        });
    }
}
