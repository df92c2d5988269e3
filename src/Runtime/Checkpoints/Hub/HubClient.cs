using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>The Hub's HTTP API: one try of one request, redirects followed by hand so that the token stays with the endpoint.</summary>
internal sealed class HubClient : IDisposable
{
    private const int MaxRedirects = 8;
    private readonly HttpClient _http;
    private readonly HubOptions _options;
    private readonly Uri _endpoint;

    public HubClient(HubOptions options)
    {
        _options = options;
        _endpoint = new Uri(options.Endpoint.TrimEnd('/') + "/");
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = options.IdleTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.Add(
            new ProductInfoHeaderValue("d2pruner", typeof(HubClient).Assembly.GetName().Version!.ToString(3)));
    }

    /// <summary>The files of a revision.</summary>
    public async Task<HubListing> ListAsync(HubId id, CancellationToken cancellationToken)
    {
        var uri = new Uri(_endpoint,
            $"api/{(id.IsDataSet ? "datasets" : "models")}/{id.Owner}/{id.Name}/revision/{Uri.EscapeDataString(id.Revision)}?blobs=true");
        using var response = await SendAsync(HttpMethod.Get, uri, 0, null, cancellationToken).ConfigureAwait(false);
        await EnsureAsync(response, id, null).ConfigureAwait(false);
        using var idle = new IdleGuard(_options.IdleTimeout, cancellationToken);
        var text = await idle.RunAsync(t => response.Content.ReadAsStringAsync(t)).ConfigureAwait(false);
        try
        {
            using var json = JsonDocument.Parse(text);
            return HubListing.Read(json.RootElement, withFolders: id.IsDataSet);
        }
        catch (JsonException e)
        {
            throw new HubException(HubErrorKind.Damaged, $"{uri} does not answer as the Hub does: {e.Message} Check HF_ENDPOINT.", e);
        }
    }

    /// <summary>What a listing left open: a file's content name, length and commit, from the headers before
    /// any redirect to another host.</summary>
    public async Task<(HubFile File, string? Commit)> DescribeAsync(
        HubId id, string revision, HubFile file, CancellationToken cancellationToken)
    {
        HttpResponseMessage? first = null;
        try
        {
            first = await SendAsync(HttpMethod.Head, FileAddress(id, revision, file), 0, r => Etag(r) is not null, cancellationToken)
                .ConfigureAwait(false);
            if (first.StatusCode is HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
            {
                first.Dispose();
                first = await SendAsync(HttpMethod.Get, FileAddress(id, revision, file), 0, r => Etag(r) is not null, cancellationToken)
                    .ConfigureAwait(false);
            }

            if (!IsRedirect(first.StatusCode)) await EnsureAsync(first, id, file.Name).ConfigureAwait(false);
            var size = Header(first, "X-Linked-Size") is { } linked && long.TryParse(linked, out var n) ? n : IsRedirect(first.StatusCode)
                ? null : first.Content.Headers.ContentLength;
            var etag = Etag(first) ?? throw new HubException(
                HubErrorKind.Damaged, $"{id}: the server does not name the content of {file.Name} (no ETag); nothing can be checked or " +
                "resumed.");
            return (file with { Etag = etag, Size = file.Size ?? size }, Header(first, "X-Repo-Commit") is { } commit
                && HubId.IsName(commit) ? commit : null);
        }
        finally
        {
            first?.Dispose();
        }
    }

    /// <summary>A file's content from an offset on; the response is checked for errors, not for whether
    /// the server honoured the offset.</summary>
    public async Task<HttpResponseMessage> GetAsync(HubId id, string revision, HubFile file, long from, CancellationToken cancellationToken)
    {
        var response = await SendAsync(HttpMethod.Get, FileAddress(id, revision, file), from, null, cancellationToken)
            .ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) return response;
        try
        {
            await EnsureAsync(response, id, file.Name).ConfigureAwait(false);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    public void Dispose() => _http.Dispose();

    private Uri FileAddress(HubId id, string revision, HubFile file)
    {
        var name = string.Join('/', file.Name.Split('/').Select(Uri.EscapeDataString));
        var repository = $"{(id.IsDataSet ? "datasets/" : "")}{id.Owner}/{id.Name}";
        return new Uri(_endpoint, $"{repository}/resolve/{Uri.EscapeDataString(revision)}/{name}");
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, Uri uri, long from, Func<HttpResponseMessage, bool>? enough, CancellationToken cancellationToken)
    {
        for (var hop = 0; hop < MaxRedirects; hop++)
        {
            using var request = new HttpRequestMessage(method, uri);
            if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
            // The network that serves files must not see the token: it goes to the endpoint alone.
            if (_options.Token is { } token && uri.Scheme == _endpoint.Scheme && uri.Authority == _endpoint.Authority)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using var idle = new IdleGuard(_options.IdleTimeout, cancellationToken);
            var response = await idle.RunAsync(t => _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, t))
                .ConfigureAwait(false);
            if (!IsRedirect(response.StatusCode) || enough?.Invoke(response) == true) return response;
            var next = response.Headers.Location is { } location ? new Uri(uri, location) : null;
            response.Dispose();
            if (next is null || next.Scheme is not ("http" or "https") || (uri.Scheme == "https" && next.Scheme != "https"))
                throw new HubException(HubErrorKind.Unreachable,
                    $"{uri} redirects to {next?.ToString() ?? "nowhere"}, which is not followed.");
            uri = next;
        }

        throw new HubException(HubErrorKind.Unreachable, $"{uri} redirects more than {MaxRedirects} times.");
    }

    // Codes of the Hub's X-Error-Code header tell what a bare status does not.
    private async Task EnsureAsync(HttpResponseMessage response, HubId id, string? file)
    {
        if (response.IsSuccessStatusCode) return;
        var code = Header(response, "X-Error-Code");
        var status = (int)response.StatusCode;
        if (status is 408 or 429 or >= 500)
            throw new HubRetryException($"the server answered {status} {response.ReasonPhrase}", status == 429, RetryAfter(response));
        var page = $"{_endpoint}{id.Repository}";
        var withToken = _options.Token is null ? "no token was given" : "the token that was given does not allow it";
        throw code switch
        {
            "GatedRepo" => new HubException(
                HubErrorKind.Gated, $"{id.Repository} is gated, and {withToken}. Accept its terms at {page} with your account, make a " +
                $"token at {_endpoint}settings/tokens, and set HF_TOKEN to it."),
            "RevisionNotFound" => new HubException(
                HubErrorKind.RevisionNotFound, $"{id.Repository} has no revision '{id.Revision}'. Its branches and tags: {page}/tree/main"),
            "EntryNotFound" => new HubException(HubErrorKind.NotFound, $"{id} has no file '{file}'."),
            _ when status is 401 && _options.Token is not null && code != "RepoNotFound" =>
                new HubException(HubErrorKind.Unauthorized,
                    $"The Hub refuses the token (401) for {id.Repository}. Check HF_TOKEN or log in anew ('hf auth login')."),
            _ when status is 403 => new HubException(
                HubErrorKind.Gated, $"The Hub refuses {id.Repository} (403): {withToken}. If the model is gated, accept its terms at " +
                $"{page}, and set HF_TOKEN to a token of your account."),
            _ when status is 401 or 404 => new HubException(HubErrorKind.NotFound, file is null || status == 401
                ? $"{id} was not found at {_endpoint} ({status}), and {withToken}: check the spelling (owner/name); for a private or " +
                "gated model set HF_TOKEN. 'd2pruner models' lists models that load here."
                : $"{id} has no file '{file}' ({status})."),
            _ => new HubException(HubErrorKind.Unreachable,
                $"{response.RequestMessage?.RequestUri} answered {status} {response.ReasonPhrase}: " +
                $"{await BodyAsync(response).ConfigureAwait(false)}"),
        };
    }

    private async Task<string> BodyAsync(HttpResponseMessage response)
    {
        try
        {
            using var idle = new IdleGuard(_options.IdleTimeout, CancellationToken.None);
            var text = await idle.RunAsync(t => response.Content.ReadAsStringAsync(t)).ConfigureAwait(false);
            return text.Length <= 200 ? text : text[..200] + "...";
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
        {
            return e.Message;
        }
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - DateTimeOffset.UtcNow is { Ticks: > 0 } wait ? wait : TimeSpan.Zero,
        _ => null,
    };

    private static bool IsRedirect(HttpStatusCode status) => status is HttpStatusCode.Moved or HttpStatusCode.Found
        or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    private static string? Etag(HttpResponseMessage response) =>
        HubCache.SafeEtag(Header(response, "X-Linked-Etag") ?? Header(response, "ETag"));

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values)
            ? values.FirstOrDefault() : null;
}
