using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Server;

/// <summary>Who may call: holders of a key, or, where there are no keys, this machine alone unless
/// the operator opened the server.</summary>
internal sealed class AccessPolicy(IOptions<D2PrunerServerOptions> options, ApiKeys keys)
{
    private const string Scheme = "Bearer ";

    /// <summary>Lets a request pass, or says why not.</summary>
    /// <param name="context">The request.</param>
    /// <param name="key">Number of its key; -1 without keys.</param>
    /// <returns>Null where it may pass.</returns>
    public ServerError? Check(HttpContext context, out int key)
    {
        key = -1;
        if (keys.Any)
        {
            if (Presented(context.Request) is not { } presented)
                return ServerError.InvalidKey("This server asks for a key; send it as 'Authorization: Bearer KEY'.");
            key = keys.Find(presented);
            return key >= 0 ? null : ServerError.InvalidKey("The presented key is not known to this server.");
        }

        if (options.Value.AllowAnonymous) return null;
        if (context.Connection.LocalIpAddress is { } address && !IPAddress.IsLoopback(address))
            return ServerError.InvalidKey(
                "This server has no keys and answers its own machine only. Its operator can set keys, or allow callers without one.");
        // A page of another site that points its own name at 127.0.0.1 shows itself by that name.
        return IsLocalName(context.Request.Host.Host) ? null
            : ServerError.Forbidden("This server has no keys and answers to the name localhost only. Its operator can set keys, or allow " +
                "callers without one.");
    }

    private static string? Presented(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && header.Length > Scheme.Length
            ? header[Scheme.Length..].Trim() : null;
    }

    private static bool IsLocalName(string host) => host.Length == 0 || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
