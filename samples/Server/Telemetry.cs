using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace D2Pruner.AI.Samples.Server;

/// <summary>Traces and measurements for whoever listens: Aspire's dashboard and other OTLP receivers are named by
/// the usual environment variables.</summary>
internal static class Telemetry
{
    /// <summary>Adds spans of requests and of the engine, and an OTLP exporter where
    /// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names a receiver.</summary>
    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        builder.Logging.AddOpenTelemetry(logging => logging.IncludeScopes = true);
        var telemetry = builder.Services.AddOpenTelemetry()
            .WithTracing(tracing => tracing.AddSource("D2Pruner.AI")
                .AddAspNetCoreInstrumentation(
                    o => o.Filter = c => !c.Request.Path.StartsWithSegments("/health") && !c.Request.Path.StartsWithSegments("/metrics")))
            .WithMetrics(metrics => metrics.AddAspNetCoreInstrumentation().AddRuntimeInstrumentation());
        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"])) telemetry.UseOtlpExporter();
    }
}
