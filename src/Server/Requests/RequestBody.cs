using System.Buffers;
using System.Net.Mime;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace D2Pruner.AI.Server;

/// <summary>A request's JSON body in pooled memory; dispose it when the request is read.</summary>
internal sealed class RequestBody : IDisposable
{
    private const int FirstBuffer = 64 << 10;
    private byte[]? _buffer;
    private JsonDocument? _document;

    private RequestBody()
    {
    }

    /// <summary>The body, an object.</summary>
    public JsonElement Root => _document!.RootElement;

    /// <summary>Reads and parses a body.</summary>
    /// <param name="request">The request.</param>
    /// <param name="options">Limits.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <exception cref="RequestException">No JSON object, too large, too slow, or of another type.</exception>
    public static async Task<RequestBody> ReadAsync(HttpRequest request, D2PrunerServerOptions options, CancellationToken cancellationToken)
    {
        CheckType(request);
        // Counted here instead: the server then takes the rest of a body that is too large off the wire,
        // and its sender gets to read the answer.
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = null;
        if (request.ContentLength > options.MaxBodyBytes) throw TooLarge(options);
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        time.CancelAfter(options.BodyTimeout);
        var body = new RequestBody { _buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer) };
        try
        {
            var length = await body.FillAsync(request.Body, options, time.Token).ConfigureAwait(false);
            body.Parse(length);
            return body;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            body.Dispose();
            throw new RequestException(
                new ServerError(408, "invalid_request_error", "request_timeout",
                    $"The body did not arrive within {options.BodyTimeout.TotalSeconds:0.#} seconds."));
        }
        catch (IOException e) when (e is not BadHttpRequestException && !cancellationToken.IsCancellationRequested)
        {
            body.Dispose();
            throw new RequestException(ServerError.BadRequest("The request's body ended before its announced length."), e);
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _document?.Dispose();
        _document = null;
        if (_buffer is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
        _buffer = null;
    }

    // Grows with what arrives, whatever length was announced: an announcement must not take memory.
    private async Task<int> FillAsync(Stream stream, D2PrunerServerOptions options, CancellationToken cancellationToken)
    {
        var length = 0;
        for (int read; (read = await stream.ReadAsync(_buffer.AsMemory(length), cancellationToken).ConfigureAwait(false)) > 0;)
        {
            length += read;
            if (length > options.MaxBodyBytes) throw TooLarge(options);
            if (length < _buffer!.Length) continue;
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 4);
            _buffer.CopyTo(larger.AsSpan());
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return length;
    }

    private void Parse(int length)
    {
        var bytes = _buffer.AsMemory(0, length);
        if (length == 0) throw new RequestException(ServerError.BadRequest("The request has no body; expected a JSON object."));
        if (!Utf8.IsValid(bytes.Span)) throw new RequestException(ServerError.BadRequest("The request's body is not UTF-8."));
        try
        {
            _document = JsonDocument.Parse(bytes, ServerJson.ReaderOptions);
        }
        catch (JsonException e)
        {
            throw new RequestException(ServerError.BadRequest($"The request's body is not JSON: {e.Message}"), e);
        }

        if (_document.RootElement.ValueKind != JsonValueKind.Object)
            throw new RequestException(
                ServerError.BadRequest($"The request's body is {JsonFields.Describe(_document.RootElement)}; expected a JSON object."));
    }

    private static void CheckType(HttpRequest request)
    {
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            && (type.MediaType.Equals(MediaTypeNames.Application.Json, StringComparison.OrdinalIgnoreCase)
                || type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase)))
        {
            if (type.Charset.Length == 0 || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
                || type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase)) return;
            throw new RequestException(ServerError.UnsupportedMediaType($"The body's charset is '{type.Charset}'; expected UTF-8."));
        }

        throw new RequestException(ServerError.UnsupportedMediaType(
            $"The body's type is {(string.IsNullOrEmpty(request.ContentType) ? "not named" : $"'{request.ContentType}'")}; expected " +
                "Content-Type: application/json."));
    }

    private static RequestException TooLarge(D2PrunerServerOptions options) =>
        new(ServerError.TooLarge(
            $"The request's body is larger than {options.MaxBodyBytes} bytes, the limit of this server. Send fewer or smaller images."));
}
