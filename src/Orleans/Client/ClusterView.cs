using D2Pruner.AI.Orleans.Wire;
using Microsoft.Extensions.Options;
using Orleans;

namespace D2Pruner.AI.Orleans.Client;

/// <summary>What this process knows of the workers: at most an interval old, or as old as the board has been silent.</summary>
internal sealed class ClusterView(IGrainFactory grains, IOptions<D2PrunerClusterOptions> options, TimeProvider clock)
{
    // Long enough for a busy machine; the cluster's own failure detection finds the board's silo dead in the meantime.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private BoardView _view = BoardView.Empty;
    private long? _read;
    private Task<BoardView>? _reading;

    /// <summary>What was read last, however old.</summary>
    public BoardView Latest => Volatile.Read(ref _view);

    /// <summary>What the workers have told, read anew where it is older than an interval; a board that does not answer within another one
    /// leaves what was known.</summary>
    /// <exception cref="TimeoutException">Nothing is known, and the board does not answer.</exception>
    public async ValueTask<BoardView> GetAsync(CancellationToken cancellationToken = default)
    {
        Task<BoardView> reading;
        bool known;
        lock (_gate)
        {
            known = _read is not null;
            if (IsRecent()) return _view;
            reading = Read();
        }

        if (!known) return await reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        var waiting = reading.WaitAsync(options.Value.LoadInterval, clock, cancellationToken);
        await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return Latest;
    }

    /// <summary>Has it read anew where it is older than an interval; waits for nothing.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            if (!IsRecent()) _ = Read();
        }
    }

    /// <summary>Tells a report, and reads what the others have told.</summary>
    /// <param name="mine">The report; null tells nothing.</param>
    /// <exception cref="TimeoutException">The board does not answer.</exception>
    public async Task<BoardView> ExchangeAsync(WorkerReport? mine)
    {
        var changes = await grains.GetGrain<IBoardGrain>(0).ExchangeAsync(mine, Latest.Mark).WaitAsync(Patience, clock)
            .ConfigureAwait(false);
        lock (_gate)
        {
            _read = clock.GetTimestamp();
            return _view = _view.With(changes);
        }
    }

    // Within the lock, as the next one.
    private bool IsRecent() => _read is { } read && clock.GetElapsedTime(read) < options.Value.LoadInterval;

    // One at a time, for all who ask.
    private Task<BoardView> Read()
    {
        if (_reading is { IsCompleted: false }) return _reading;
        _reading = ExchangeAsync(null);
        // Nobody may be waiting for it when it fails.
        _ = _reading.ContinueWith(t => t.Exception, TaskScheduler.Default);
        return _reading;
    }
}
