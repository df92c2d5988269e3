using D2Pruner.AI;
using D2Pruner.AI.Mcp;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Serves the MCP server over streamable HTTP.</summary>
public static class D2PrunerMcpEndpointRouteBuilderExtensions
{
    /// <summary>Maps the MCP server that <c>AddD2PrunerMcp()</c> registered. Web pages of other machines are refused, see
    /// <see cref="D2PrunerMcpOptions.AllowedOrigins"/>.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path.</param>
    /// <returns>For more conventions, e.g. <c>RequireAuthorization()</c>.</returns>
    /// <exception cref="InvalidOperationException"><c>AddD2PrunerMcp()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapD2PrunerMcp(this IEndpointRouteBuilder endpoints, string pattern = "/mcp")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (endpoints.ServiceProvider.GetService<ImageResources>() is null)
            throw new InvalidOperationException(
                "MapD2PrunerMcp() needs services.AddD2PrunerMcp() (and services.AddD2PrunerVisionTools(...)) before the application " +
                "is built.");
        var origins = new OriginRule(endpoints.ServiceProvider.GetRequiredService<IOptions<D2PrunerMcpOptions>>().Value.AllowedOrigins);
        var mapped = endpoints.MapMcp(pattern);
        mapped.Add(endpoint =>
        {
            var serve = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context =>
            {
                if (origins.Allows(context.Request.Headers.Origin)) return serve(context);
                context.Response.StatusCode = StatusCodes.Status403Forbidden;
                return context.Response.WriteAsync("This origin is not allowed.", context.RequestAborted);
            };
        });
        return mapped;
    }
}
