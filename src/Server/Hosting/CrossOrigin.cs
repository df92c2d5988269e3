using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Server;

/// <summary>Pages of other origins: none, until their origins are named.</summary>
internal sealed class CrossOrigin(IOptions<D2PrunerServerOptions> options, ICorsService cors)
{
    private readonly CorsPolicy? _policy = Policy(options.Value.CorsOrigins);

    /// <summary>Adds the headers that let an allowed origin read the answer.</summary>
    public void Apply(HttpContext context)
    {
        if (_policy is null || !context.Request.Headers.ContainsKey(CorsConstants.Origin)) return;
        cors.ApplyResult(cors.EvaluatePolicy(context, _policy), context.Response);
    }

    private static CorsPolicy? Policy(IList<string> origins)
    {
        if (origins.Count == 0) return null;
        // DELETE and the session's id are for MCP, which may stand behind the same doors.
        var builder = new CorsPolicyBuilder().WithMethods("GET", "POST", "DELETE").AllowAnyHeader()
            .WithExposedHeaders("Retry-After", "X-Request-Id", "WWW-Authenticate", "Mcp-Session-Id")
            .SetPreflightMaxAge(TimeSpan.FromMinutes(10));
        return (origins.Contains("*") ? builder.AllowAnyOrigin() : builder.WithOrigins([.. origins.Select(o => o.TrimEnd('/'))])).Build();
    }
}
