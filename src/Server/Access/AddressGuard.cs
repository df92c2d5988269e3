using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Server;

/// <summary>Refuses to run where other machines could call without a key and nobody said that they may.</summary>
internal sealed class AddressGuard(IServer server, IOptions<D2PrunerServerOptions> options, ApiKeys keys) : IHostedLifecycleService
{
    /// <summary>The addresses that are not this machine's own.</summary>
    public static IEnumerable<string> Open(IEnumerable<string> addresses) => addresses.Where(address =>
    {
        if (address.Contains("://unix:", StringComparison.Ordinal)) return false;
        // http://*:80 and http://+:80 are no URIs.
        var text = address.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal);
        return !Uri.TryCreate(text, UriKind.Absolute, out var uri)
            || !(uri.IsLoopback || (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip)));
    });

    /// <exception cref="InvalidOperationException">An open address, no keys, and callers without one are not allowed.</exception>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (keys.Any || options.Value.AllowAnonymous) return Task.CompletedTask;
        var open = Open(server.Features.Get<IServerAddressesFeature>()?.Addresses ?? []).ToList();
        if (open.Count == 0) return Task.CompletedTask;
        throw new InvalidOperationException(
            $"The server would listen at {string.Join(", ", open)} without keys. Set ApiKeys or ApiKeyFile, listen at 127.0.0.1, or set " +
            "AllowAnonymous if everyone may call.");
    }

    // Asked for here, so that an unreadable key file stops the start and not the first request.
    public Task StartingAsync(CancellationToken cancellationToken) => Task.FromResult(keys.Any);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
