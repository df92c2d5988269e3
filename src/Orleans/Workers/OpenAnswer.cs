using System.Runtime.CompilerServices;
using D2Pruner.AI.Orleans.Wire;

namespace D2Pruner.AI.Orleans.Workers;

/// <summary>One answer and what has been said of it: a reader who lost words on their way, because the silo that is its door to the cluster
/// stopped, reads on where it was. Nothing is computed that no reader asks for.</summary>
internal sealed class OpenAnswer : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1);
    private readonly List<AnswerEvent> _said = [];
    private readonly CancellationTokenSource _end = new();
    private readonly IAsyncEnumerator<AnswerEvent> _source;
    private Task<bool>? _moving; // what a reader who left was waiting for
    private bool _complete;
    private int _readers;

    /// <param name="begin">The answer; its words' numbers are given here.</param>
    public OpenAnswer(Func<CancellationToken, IAsyncEnumerable<AnswerEvent>> begin) => _source = begin(_end.Token).GetAsyncEnumerator();

    /// <summary>Readers that there ever were, so that one who leaves can tell whether another has come.</summary>
    public int Readers => Volatile.Read(ref _readers);

    /// <summary>A reader comes.</summary>
    /// <returns>Its number.</returns>
    public int Enter() => Interlocked.Increment(ref _readers);

    /// <summary>Its words from one on. A reader who leaves ends nothing.</summary>
    public async IAsyncEnumerable<AnswerEvent> ReadAsync(int from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var i = from; await WordAsync(i, cancellationToken).ConfigureAwait(false) is { } said; i++) yield return said;
    }

    /// <summary>Ends it, complete or not.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (_moving is not null) await ((Task)_moving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await EndAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask<AnswerEvent?> WordAsync(int number, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (number < _said.Count) return _said[number];
            if (_complete) return null;
            // What is there at once is taken at once: the cluster then sends several words together.
            _moving ??= _source.MoveNextAsync().AsTask();
            var more = await _moving.WaitAsync(cancellationToken).ConfigureAwait(false);
            _moving = null;
            if (more) _said.Add(_source.Current with { Number = number });
            // Readers go when they have the last one: what was taken for the answer is given back first.
            if (!more || _said[^1].IsLast) await EndAsync().ConfigureAwait(false);
            return more ? _said[^1] : null;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask EndAsync()
    {
        if (_complete) return;
        _complete = true;
        await _source.DisposeAsync().ConfigureAwait(false);
    }
}
