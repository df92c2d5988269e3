using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI;

/// <summary>A registered model: loaded once at first use, shared by its clients, disposed by the container. A failed load is tried again by the next request.</summary>
internal sealed class LazyModel(VisionModelOptions options, ILoggerFactory? loggerFactory) : IModelSource, IAsyncDisposable, IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposing = new();
    private Task<VisionLanguageEngine>? _load;
    private bool _disposed;

    public string ModelId { get; } = options.ModelId ?? ModelLocator.IdOf(options.ModelPath ?? throw new ArgumentException("ModelPath is empty.", nameof(options)));

    public IReadOnlyCollection<string> Names => [ModelId];

    public IVisionEngine? Current => Volatile.Read(ref _load) is { IsCompletedSuccessfully: true } load ? load.Result : null;

    public async ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken)
    {
        Task<VisionLanguageEngine> load;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // One caller's cancellation must not fail the load for the others: it belongs to the model.
            if (_load is null or { IsFaulted: true } or { IsCanceled: true }) _load = VisionLanguageEngine.LoadAsync(options, null, loggerFactory, _disposing.Token);
            load = _load;
        }

        return await load.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        Task<VisionLanguageEngine>? load;
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            load = _load;
        }

        await _disposing.CancelAsync().ConfigureAwait(false);
        if (load is null) return;
        // A failed load was told to whoever asked for the model.
        await ((Task)load).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (load.IsCompletedSuccessfully) await load.Result.DisposeAsync().ConfigureAwait(false);
    }
}
