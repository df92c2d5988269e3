using System.Net;
using System.Net.Sockets;

namespace D2Pruner.AI;

/// <summary>Images from allowed hosts. Addresses are judged where the connection is made, so that a name cannot
/// change its meaning after the check.</summary>
internal sealed class AllowedHosts : IDisposable
{
    private readonly string[] _hosts;
    private readonly bool _allowPrivate;
    private readonly long _maxBytes;
    private readonly TimeSpan _timeout;
    private readonly int _maxRedirects;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _lookUp;
    private readonly HttpClient _client;

    public AllowedHosts(ImageResolverOptions options, Func<string, CancellationToken, Task<IPAddress[]>> lookUp)
    {
        _hosts = [.. options.AllowedHosts.Select(h => h.Trim().TrimEnd('.').ToLowerInvariant()).Where(h => h.Length > 0)];
        _allowPrivate = options.AllowPrivateAddresses;
        _maxBytes = options.MaxBytes;
        _timeout = options.Timeout;
        _maxRedirects = options.MaxRedirects;
        _lookUp = lookUp;
        // No proxy: it would resolve names behind the check's back. Nothing of this process' identity goes
        // along. No decompression: its size is unknown.
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            Credentials = null,
            AutomaticDecompression = DecompressionMethods.None,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            MaxResponseHeadersLength = 32,
            ConnectCallback = ConnectAsync,
        })
        {
            Timeout = System.Threading.Timeout.InfiniteTimeSpan,
        };
    }

    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(Uri uri, CancellationToken cancellationToken)
    {
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        time.CancelAfter(_timeout);
        var current = uri;
        try
        {
            for (var redirects = 0; ; redirects++)
            {
                if (redirects > _maxRedirects)
                    throw new ImageAccessDeniedException(uri, $"it was redirected more than {_maxRedirects} time(s).");
                CheckHost(current);
                using var request = new HttpRequestMessage(HttpMethod.Get, current);
                request.Headers.Accept.ParseAdd("image/*");
                using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, time.Token)
                    .ConfigureAwait(false);
                if (response.StatusCode is not (
                    HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect
                    or HttpStatusCode.PermanentRedirect))
                    return await BodyAsync(uri, response, time.Token).ConfigureAwait(false);
                var next = response.Headers.Location ?? throw new ImageAccessDeniedException(uri, "it was redirected to nowhere.");
                next = new Uri(current, next);
                if (current.Scheme == Uri.UriSchemeHttps && next.Scheme != Uri.UriSchemeHttps)
                    throw new ImageAccessDeniedException(next, "an https address was redirected to one that is not.");
                current = next;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ImageAccessDeniedException(current, $"it took longer than {_timeout.TotalSeconds:0.###} seconds.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw e.InnerException as ImageAccessDeniedException
                ?? new ImageAccessDeniedException(current, $"the host could not be read from ({e.Message}).");
        }
    }

    public void Dispose() => _client.Dispose();

    private void CheckHost(Uri uri)
    {
        if (uri.Scheme is not ("http" or "https"))
            throw new ImageAccessDeniedException(uri, $"a redirect to the scheme '{uri.Scheme}' is not followed.");
        if (uri.UserInfo.Length > 0) throw new ImageAccessDeniedException(uri, "it carries a user name.");
        var host = uri.IdnHost.Trim('[', ']').TrimEnd('.').ToLowerInvariant();
        if (!Array.Exists(_hosts, h => h == host
            || (h.StartsWith("*.", StringComparison.Ordinal) && host.Length > h.Length - 1
                && host.EndsWith(h[1..], StringComparison.Ordinal))))
            throw new ImageAccessDeniedException(uri, $"the host '{host}' is not in AllowedHosts.");
    }

    private async Task<ReadOnlyMemory<byte>> BodyAsync(Uri uri, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode) throw new ImageAccessDeniedException(uri, $"the host answered {(int)response.StatusCode}.");
        if (response.Content.Headers.ContentLength > _maxBytes) throw TooLarge();
        using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var bytes = new MemoryStream();
        var buffer = new byte[81920];
        // Counted while it comes: the announced length may be missing or false.
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            if (bytes.Length + read > _maxBytes) throw TooLarge();
            bytes.Write(buffer, 0, read);
        }

        return bytes.ToArray();

        ImageAccessDeniedException TooLarge() =>
            new(uri, $"it has more than the {_maxBytes} bytes allowed.", Runtime.VisionErrorKind.TooLarge);
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host.Trim('[', ']');
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal]
            : await _lookUp(host, cancellationToken).ConfigureAwait(false);
        var allowed = addresses.Where(a => _allowPrivate || AddressRules.IsPublic(a)).ToArray();
        if (allowed.Length == 0)
            throw new ImageAccessDeniedException(
                context.InitialRequestMessage.RequestUri!, addresses.Length == 0 ? "its host has no address."
                : "its host lies at a loopback, private or link-local address; AllowPrivateAddresses is off.");
        // By address, never by name: what was checked is what is connected to.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
