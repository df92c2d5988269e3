using D2Pruner.AI.Orleans.Wire;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Orleans.Client;

/// <summary>What has become of a request so far, and whether it may be tried again.</summary>
internal sealed class Attempts(string model, bool pinned, ClusterView view, D2PrunerClusterOptions options, TimeProvider clock)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private readonly HashSet<string> _avoided = [];
    private readonly HashSet<string> _full = [];
    private readonly long _start = clock.GetTimestamp();
    private long? _looking; // since when nobody has taken it
    private string? _worker;
    private bool _started;
    private bool _lostOne;
    private int _lacked;

    /// <summary>The version that is asked.</summary>
    public required string Fingerprint { get; set; }

    /// <summary>Workers that the request was handed on from: another grain each, placed anew.</summary>
    public int Moves { get; private set; }

    /// <summary>Whether the last attempt ended with a move.</summary>
    public bool Moved { get; private set; }

    /// <summary>Workers that shall not be tried.</summary>
    public IEnumerable<string> Avoided => _avoided;

    public void Begin() => (Moved, _worker) = (false, null);

    public void Accepted(string worker) => (_worker, _looking) = (worker, null);

    /// <summary>A part of the answer is handed out: from here on nothing is tried again.</summary>
    public void Started() => _started = true;

    /// <summary>The worker lacks images.</summary>
    /// <exception cref="EngineUnavailableException">It lacks what it was sent.</exception>
    public void Lacks()
    {
        if (++_lacked > 8) throw new EngineUnavailableException(
            "A worker keeps asking for the images that it was sent. Raise ImageCacheBytes of the workers.");
    }

    /// <summary>A worker hands the request on.</summary>
    public async Task DeclinedAsync(string worker, CancellationToken cancellationToken)
    {
        Move(worker);
        // As many as there are workers decline only where all of them stop, or know a load that is old.
        if (_avoided.Count <= Workers()) return;
        await WaitAsync(null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A worker's line is full.</summary>
    /// <exception cref="EngineBusyException">So are all the others.</exception>
    public async Task FullAsync(string worker, CancellationToken cancellationToken)
    {
        Move(worker);
        _full.Add(worker);
        var board = await view.GetAsync(cancellationToken).ConfigureAwait(false);
        var serving = board.Serving(model, Fingerprint).ToList();
        if (serving.Exists(w => w.Model.Load < w.Model.Capacity && !_full.Contains(w.Worker.Silo.ToParsableString()))) return;
        var waited = clock.GetElapsedTime(_start);
        if (options.QueueFullMode == QueueFullMode.Reject || waited >= options.QueueTimeout) throw Busy(serving, waited);
        Again();
        await Task.Delay(Pause, clock, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The worker is gone, or none could be reached.</summary>
    /// <exception cref="WorkerLostException">It was answering, and may not be tried again.</exception>
    public async Task LostAsync(Exception? reason, CancellationToken cancellationToken)
    {
        if (_started || (_worker is not null && _lostOne)) throw new WorkerLostException(_worker, _started, reason);
        _lostOne |= _worker is not null;
        Move(_worker);
        // Where nobody had accepted it, the cluster may not know yet that a silo is gone.
        if (_worker is null) await WaitAsync(reason, cancellationToken).ConfigureAwait(false);
    }

    private async Task WaitAsync(Exception? reason, CancellationToken cancellationToken)
    {
        // Not since the request: a word that was lost in a silo's end is noticed only when its own time is up.
        if (clock.GetElapsedTime(_looking ??= clock.GetTimestamp()) >= options.FailoverTimeout)
        {
            var versions = view.Latest.Versions(model);
            if (pinned && versions.Count > 0 && !versions.Contains(Fingerprint))
                throw new ModelReplacedException(model, Fingerprint, versions);
            throw new EngineUnavailableException(
                $"No worker took the request for the model '{model}' within {options.FailoverTimeout.TotalSeconds:0.#} s" +
                $"{(reason is null ? "." : $": {reason.Message}")} Try again later, or raise FailoverTimeout.", reason);
        }

        Again();
        await Task.Delay(Pause, clock, cancellationToken).ConfigureAwait(false);
        await view.GetAsync(cancellationToken).ConfigureAwait(false);
    }

    private void Move(string? worker)
    {
        Moved = true;
        Moves++;
        if (worker is not null) _avoided.Add(worker);
    }

    private void Again()
    {
        _avoided.Clear();
        _full.Clear();
    }

    private int Workers() => view.Latest.Serving(model, Fingerprint).Count();

    private EngineBusyException Busy(List<(WorkerReport Worker, ModelReport Model)> serving, TimeSpan waited)
    {
        var capacity = (int)Math.Min(int.MaxValue, serving.Sum(w => (long)w.Model.Capacity));
        var slots = serving.Sum(w => w.Model.Slots);
        return new EngineBusyException(
            $"All {serving.Count} worker(s) of the model '{model}' are full: {slots} answers at once and {capacity - slots} waiting " +
            $"request(s), the cluster's capacity{(waited >= options.QueueTimeout && options.QueueFullMode != QueueFullMode.Reject
                ? $", and no place became free within {waited.TotalSeconds:0.#} s" : "")}. Try again later, add workers, or raise " +
            "QueueCapacity.", capacity);
    }
}
