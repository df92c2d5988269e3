using D2Pruner.AI.Orleans.Wire;
using Orleans;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Client;

/// <summary>One worker's answer to one request, as far as it comes.</summary>
internal sealed class AnswerStream : IAsyncDisposable
{
    // A worker that does not hear is not waited for.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(1);
    private const int Retries = 3;

    // A closing door refuses for a while before the caller's side knows of it; the worker keeps its words for longer.
    private static readonly TimeSpan Persistence = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private readonly IAnswerGrain _grain;
    private readonly AnswerRequest _request;
    private readonly ClusterView _view;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _interval;
    private readonly CancellationToken _cancellation;
    private readonly string _avoid;
    private IAsyncEnumerator<AnswerEvent> _events;
    private string? _worker;
    private int _next;
    private bool _ended;
    private bool _lost;

    public AnswerStream(
        IAnswerGrain grain, AnswerRequest request, IEnumerable<string> avoid, ClusterView view, TimeProvider clock, TimeSpan interval,
        CancellationToken cancellation)
    {
        (_view, _clock, _interval, _cancellation) = (view, clock, interval, cancellation);
        _avoid = string.Join(' ', avoid);
        (_grain, _request) = (grain, request with { Id = Guid.NewGuid() });
        _events = _grain.AnswerAsync(_request, _cancellation).GetAsyncEnumerator(_cancellation);
    }

    /// <summary>What the worker says next; null where it is lost.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<AnswerEvent?> NextAsync()
    {
        // Only this call and what it starts see it.
        RequestContext.Set(ClusterKeys.Avoid, _avoid);
        long? failing = null;
        for (var again = 0; ; again++)
        {
            try
            {
                var moving = _events.MoveNextAsync();
                if (!await (moving.IsCompleted ? moving : WatchAsync(moving.AsTask())).ConfigureAwait(false)) return Lose(null);
                var said = _events.Current;
                if (said.Number != _next++) return Lose(new OrleansException("A part of the answer was lost on its way."));
                if (said.Kind == AnswerEventKind.Accepted) _worker = said.Worker;
                _ended = said.IsLast;
                return said;
            }
            catch (Exception e) when (!_cancellation.IsCancellationRequested)
            {
                // A door of the cluster closed between the worker and here: it says again what was lost on its way.
                failing ??= _clock.GetTimestamp();
                var enough = again >= Retries && _clock.GetElapsedTime(failing.Value) >= Persistence;
                if (enough || !await IsMemberAsync().ConfigureAwait(false)) return Lose(e);
                await Task.Delay(Pause, _clock, _cancellation).ConfigureAwait(false);
                var rest = new AnswerRequest("", [], [], 0, _request.Id, _next);
                _events = _grain.AnswerAsync(rest, _cancellation).GetAsyncEnumerator(_cancellation);
            }
        }
    }

    /// <summary>Why it is lost, where the cluster said so.</summary>
    public Exception? Reason { get; private set; }

    public async ValueTask DisposeAsync()
    {
        var ending = Task.WhenAll(_events.DisposeAsync().AsTask(), _ended ? Task.CompletedTask : _grain.LeaveAsync(_request.Id));
        // It is told all the same.
        if (_lost) _ = ending.ContinueWith(t => t.Exception, TaskScheduler.Default);
        else await ending.WaitAsync(Farewell, _clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // A silo's callers are told when the cluster holds a member for dead; a client outside would wait for its response timeout.
    private async ValueTask<bool> WatchAsync(Task<bool> moving)
    {
        while (true)
        {
            Task waiting = moving.WaitAsync(_interval, _clock, CancellationToken.None);
            await waiting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (moving.IsCompleted) return await moving.ConfigureAwait(false);
            _cancellation.ThrowIfCancellationRequested();
            if (_worker is null || await IsMemberAsync().ConfigureAwait(false) || moving.IsCompleted) continue;
            _ = moving.ContinueWith(t => t.Exception, TaskScheduler.Default);
            throw new SiloUnavailableException($"The cluster holds the silo {_worker} for dead.");
        }
    }

    private async ValueTask<bool> IsMemberAsync() => _worker is not null
        && Array.Exists((await _view.GetAsync(_cancellation).ConfigureAwait(false)).Members, m => m.ToParsableString() == _worker);

    private AnswerEvent? Lose(Exception? reason)
    {
        (_lost, Reason) = (true, reason);
        return null;
    }
}
