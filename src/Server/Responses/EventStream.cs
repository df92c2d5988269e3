using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace D2Pruner.AI.Server;

/// <summary>Server-sent events: <c>data: {json}</c> lines, one flush each.</summary>
internal sealed class EventStream(HttpResponse response) : IAsyncDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private Utf8JsonWriter? _json;

    /// <summary>Sends the headers with the first event.</summary>
    public void Start()
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        // Proxies that gather answers would take the stream out of streaming.
        response.Headers["X-Accel-Buffering"] = "no";
        response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    public async Task SendAsync(Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        _buffer.ResetWrittenCount();
        _buffer.Write("data: "u8);
        if (_json is null) _json = new Utf8JsonWriter(_buffer, ServerJson.WriterOptions);
        else _json.Reset(_buffer);
        write(_json);
        await _json.FlushAsync(cancellationToken).ConfigureAwait(false);
        _buffer.Write("\n\n"u8);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The end that OpenAI's clients wait for.</summary>
    public async Task DoneAsync(CancellationToken cancellationToken)
    {
        _buffer.ResetWrittenCount();
        _buffer.Write("data: [DONE]\n\n"u8);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _json is null ? ValueTask.CompletedTask : _json.DisposeAsync();

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        // One write for a whole event: no reader sees half of one.
        try
        {
            var result = await response.BodyWriter.WriteAsync(_buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
            if (!result.IsCompleted) return;
        }
        catch (IOException e)
        {
            throw new ClientGoneException(e);
        }

        throw new ClientGoneException(null);
    }
}
