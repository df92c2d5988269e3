using System.Diagnostics;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Server;

/// <summary>One request from its body to the end of its answer. Nothing of a request is logged but its
/// model, its outcome and its times.</summary>
internal sealed partial class AnswerEndpoint(
    IOptions<D2PrunerServerOptions> options, ServedModels models, ServerWork work, ServerMetrics metrics, KeyLimits limits,
        IServiceProvider services, ILogger<AnswerEndpoint> logger)
{
    private static readonly TimeSpan LastLine = TimeSpan.FromSeconds(2);
    private readonly D2PrunerServerOptions _options = options.Value;
    private readonly bool _remoteImages = services.GetService<IImageResolver>() is not null;

    /// <summary>Answers a request that was let in.</summary>
    /// <param name="context">The request.</param>
    /// <param name="kind">The endpoint.</param>
    /// <param name="key">Number of its key, or -1.</param>
    public async Task HandleAsync(HttpContext context, AnswerKind kind, int key)
    {
        var start = Stopwatch.GetTimestamp();
        var model = "";
        var outcome = Outcomes.Failed;
        using var time = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, work.Ending);
        try
        {
            if (limits.Take(key) is { } limited) throw new RequestException(limited);
            using var place = work.Enter();
            time.CancelAfter(_options.RequestTimeout);
            var request = await ReadAsync(context.Request, kind, time.Token).ConfigureAwait(false);
            var served = models.Resolve(request.Model);
            model = served.Id;
            Readiness.Require(served, _options.RetryAfterSeconds);
            outcome = request.Stream
                ? await StreamAsync(context, kind, served, request, start, time.Token).ConfigureAwait(false)
                : await WholeAsync(context, kind, served, request, start, time.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ClientGoneException || context.RequestAborted.IsCancellationRequested)
        {
            outcome = Outcomes.Cancelled;
            context.Abort();
        }
        catch (Exception e)
        {
            var error = Error(e, time.IsCancellationRequested);
            outcome = error.Outcome;
            Log(model, error, e);
            if (context.Response.HasStarted) context.Abort();
            else await ErrorResponse.WriteAsync(context.Response, error).ConfigureAwait(false);
        }
        finally
        {
            metrics.Ended(model, outcome);
            LogAnswered(model, outcome, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
    }

    private async Task<AnswerRequest> ReadAsync(HttpRequest http, AnswerKind kind, CancellationToken cancellationToken)
    {
        using var body = await RequestBody.ReadAsync(http, _options, cancellationToken).ConfigureAwait(false);
        return kind == AnswerKind.Chat ? RequestReader.ReadChat(body.Root, _options, _remoteImages)
            : RequestReader.ReadCompletion(body.Root);
    }

    private async Task<string> WholeAsync(
        HttpContext context, AnswerKind kind, ServedModel served, AnswerRequest request, long start, CancellationToken cancellationToken)
    {
        var facts = new AnswerFacts(start);
        var text = new System.Text.StringBuilder();
        await foreach (var update in served.Client.GetStreamingResponseAsync(request.Messages, request.Options, cancellationToken)
            .ConfigureAwait(false))
        {
            facts.Add(update);
            text.Append(update.Text);
        }

        var outcome = Answered(served, request, facts, start);
        var writer = new AnswerWriter(kind, served);
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers["X-Request-Id"] = writer.Id;
        var json = new Utf8JsonWriter(context.Response.BodyWriter, ServerJson.WriterOptions);
        await using (json.ConfigureAwait(false)) writer.Whole(json, text.ToString(), facts.Calls, facts);
        await context.Response.BodyWriter.FlushAsync(cancellationToken).ConfigureAwait(false);
        return outcome;
    }

    private async Task<string> StreamAsync(
        HttpContext context, AnswerKind kind, ServedModel served, AnswerRequest request, long start, CancellationToken cancellationToken)
    {
        var facts = new AnswerFacts(start);
        var writer = new AnswerWriter(kind, served);
        var updates = served.Client.GetStreamingResponseAsync(request.Messages, request.Options, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        await using var _ = updates.ConfigureAwait(false);
        // What fails before the first piece is told by the status.
        var more = await updates.MoveNextAsync().ConfigureAwait(false);
        var events = new EventStream(context.Response);
        await using var __ = events.ConfigureAwait(false);
        events.Start();
        context.Response.Headers["X-Request-Id"] = writer.Id;
        try
        {
            if (kind == AnswerKind.Chat)
                await events.SendAsync(json => writer.First(json, request.IncludeUsage), cancellationToken).ConfigureAwait(false);
            for (; more; more = await updates.MoveNextAsync().ConfigureAwait(false))
            {
                var update = updates.Current;
                facts.Add(update);
                if (update.Text is { Length: > 0 } text)
                    await events.SendAsync(json => writer.Text(json, text, request.IncludeUsage), cancellationToken).ConfigureAwait(false);
            }

            // Text goes out at once; calls only now, when it is known which of them the client has run itself.
            var calls = facts.Calls;
            foreach (var (index, call) in calls.Index())
            {
                await events.SendAsync(json => writer.Calls(json, [call], index, request.IncludeUsage), cancellationToken)
                    .ConfigureAwait(false);
            }

            await events.SendAsync(json => writer.Finish(json, facts, calls.Count > 0, request.IncludeUsage), cancellationToken)
                .ConfigureAwait(false);
            if (request.IncludeUsage)
                await events.SendAsync(json => writer.UsageChunk(json, facts), cancellationToken).ConfigureAwait(false);
            await events.DoneAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not ClientGoneException && !context.RequestAborted.IsCancellationRequested)
        {
            // The status is sent; the error is the last line. Who does not read gets no more time.
            var error = Error(e, cancellationToken.IsCancellationRequested);
            Log(served.Id, error, e);
            using var last = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            last.CancelAfter(LastLine);
            await events.SendAsync(json => ErrorResponse.Write(json, error), last.Token).ConfigureAwait(false);
            return error.Outcome;
        }

        return Answered(served, request, facts, start);
    }

    private string Answered(ServedModel served, AnswerRequest request, AnswerFacts facts, long start)
    {
        var lookedUp = request.Options.AdditionalProperties?.GetValueOrDefault(D2PrunerKeys.Reuse) as string != nameof(PrefixReuse.Off);
        metrics.Answered(served.Id, facts.Usage, facts.FirstToken, Stopwatch.GetElapsedTime(start).TotalSeconds, lookedUp);
        return facts.FinishReason == ChatFinishReason.Length ? Outcomes.Length : Outcomes.Ok;
    }

    // A cancellation that is not the caller's is the server's: its stop, or the time limit.
    private ServerError Error(Exception exception, bool cancelledHere)
    {
        if (exception is not OperationCanceledException) return ErrorMapper.Map(exception, _options.RetryAfterSeconds);
        if (work.Ending.IsCancellationRequested) return ServerWork.Stopping();
        return cancelledHere
            ? ServerError.Unavailable(
                $"The answer took longer than {_options.RequestTimeout.TotalSeconds:0.#} seconds, the limit of this server.", "timeout")
            : ServerError.Unavailable("The model stopped before it answered; try again.", "model_unavailable", _options.RetryAfterSeconds);
    }

    [LoggerMessage(1, LogLevel.Information, "Answered for model '{Model}': {Outcome} in {Milliseconds:F0} ms.")]
    private partial void LogAnswered(string model, string outcome, double milliseconds);

    // An unknown fault's message may hold words of a request: its type and place are enough at a default level.
    private void Log(string model, ServerError error, Exception exception)
    {
        if (error.Status < 500 || exception is RequestException or OperationCanceledException) return;
        if (error.Status == StatusCodes.Status503ServiceUnavailable)
        {
            LogUnavailable(model, exception);
            return;
        }

        LogFailed(model, exception.GetType().FullName ?? "", exception.StackTrace ?? "");
        LogFault(model, exception);
    }

    [LoggerMessage(2, LogLevel.Error, "A request to model '{Model}' failed: {Type}\n{Stack}")]
    private partial void LogFailed(string model, string type, string stack);

    [LoggerMessage(3, LogLevel.Warning, "The model '{Model}' cannot answer.")]
    private partial void LogUnavailable(string model, Exception exception);

    [LoggerMessage(4, LogLevel.Debug, "A request to model '{Model}' failed.")]
    private partial void LogFault(string model, Exception exception);
}
