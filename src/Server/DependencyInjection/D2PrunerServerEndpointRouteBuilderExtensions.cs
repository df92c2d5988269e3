using D2Pruner.AI.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the server's endpoints.</summary>
public static class D2PrunerServerEndpointRouteBuilderExtensions
{
    private static readonly string[] Post = ["POST", "OPTIONS"];
    private static readonly string[] Get = ["GET", "HEAD", "OPTIONS"];
    private static readonly string[] Read = ["GET", "HEAD"];

    /// <summary>
    /// Maps <c>/v1/models</c>, <c>/v1/chat/completions</c>, <c>/v1/completions</c>,
    /// <c>/health/live</c>, <c>/health/ready</c>, <c>/metrics</c>,
    /// <c>/openapi/v1.json</c> and, unless it is switched off, the studio at <c>/</c>. Needs <c>AddD2PrunerServer(...)</c>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <returns>Conventions for all of them.</returns>
    public static IEndpointConventionBuilder MapD2PrunerServer(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var services = endpoints.ServiceProvider;
        // Listens from here on: what is counted before is lost to it, zeros included.
        services.GetRequiredService<MeterProvider>();
        var options = services.GetRequiredService<IOptions<D2PrunerServerOptions>>().Value;
        var doors = services.GetRequiredService<Doors>();
        var models = services.GetRequiredService<ModelsEndpoint>();
        var answers = services.GetRequiredService<AnswerEndpoint>();
        var health = services.GetRequiredService<HealthEndpoints>();

        var group = endpoints.MapGroup("");
        Map("/v1/models", Get, (context, _) => models.ListAsync(context));
        Map("/v1/models/{**id}", Get, (context, _) => models.OneAsync(context, context.Request.RouteValues["id"]?.ToString() ?? ""));
        Map("/v1/chat/completions", Post, (context, key) => answers.HandleAsync(context, AnswerKind.Chat, key));
        Map("/v1/completions", Post, (context, key) => answers.HandleAsync(context, AnswerKind.Completion, key));
        // After all others: the framework's own 404 and 405 have no body that OpenAI's clients can read.
        group.Map("/v1/{**rest}", Handle(UnknownAsync)).WithOrder(1000);
        group.MapMethods("/health/live", Read, HealthEndpoints.LiveAsync);
        group.MapMethods("/health/ready", Read, health.ReadyAsync);
        group.MapMethods("/openapi/v1.json", Read, Description.WriteAsync);
        MapMetrics(group, options);
        if (options.Studio)
        {
            group.MapMethods("/", Read, StudioFiles.IndexAsync);
            group.MapMethods("/studio/{**name}", Read, (HttpContext context, string name) => StudioFiles.FileAsync(context, name));
        }

        return group;

        void Map(string pattern, string[] methods, Func<HttpContext, int, Task> handle) =>
            group.MapMethods(pattern, methods, Handle(handle));

        RequestDelegate Handle(Func<HttpContext, int, Task> handle) => context => doors.OpenAsync(context, key => handle(context, key));
    }

    /// <summary>Answers what a browser asks before a page calls an endpoint behind <c>RequireD2PrunerDoors()</c>.</summary>
    internal static void MapD2PrunerPreflight(this IEndpointRouteBuilder endpoints, string pattern)
    {
        var doors = endpoints.ServiceProvider.GetRequiredService<Doors>();
        endpoints.MapMethods(pattern, ["OPTIONS"], context => doors.OpenAsync(context, _ => Task.CompletedTask));
    }

    private static Task UnknownAsync(HttpContext context, int key)
    {
        var path = context.Request.Path.Value?.TrimEnd('/') ?? "";
        var expected = path is "/v1/chat/completions" or "/v1/completions" ? "POST"
            : path == "/v1/models" || path.StartsWith("/v1/models/", StringComparison.Ordinal) ? "GET" : null;
        return ErrorResponse.WriteAsync(context.Response, expected is null
            ? ServerError.NotFound("This server has no such endpoint; it has /v1/chat/completions, /v1/completions and /v1/models.")
            : ServerError.MethodNotAllowed($"This endpoint takes {expected} only."));
    }

    private static void MapMetrics(RouteGroupBuilder group, D2PrunerServerOptions options)
    {
        var metrics = group.MapPrometheusScrapingEndpoint("/metrics");
        if (options.RequireKeyForMetrics) metrics.RequireD2PrunerAccess();
    }
}
