using D2Pruner.AI;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Health of registered models.</summary>
public static class D2PrunerHealthChecksBuilderExtensions
{
    /// <summary>
    /// Reports a model's state: ready is healthy, not loaded yet or loading is degraded, a failed load is unhealthy. Queue length and bytes
    /// are in the data. The check never loads a model and never waits for the engine.
    /// </summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="model">A registered model; null takes the default one, or the only one.</param>
    /// <param name="tags">Tags of the check.</param>
    public static IHealthChecksBuilder AddD2Pruner(this IHealthChecksBuilder builder, string? model = null, params string[] tags)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            model is null ? "d2pruner" : $"d2pruner:{model}",
            services => new ModelHealthCheck(RegisteredModel.Find(services, model, "The health check").Model),
            failureStatus: null,
            tags));
    }
}
