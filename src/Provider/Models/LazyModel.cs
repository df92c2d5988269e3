using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI;

/// <summary>A registered model: loaded once at first use, shared by its clients, disposed by the container. A failed load is
/// tried again by the next request.</summary>
internal sealed class LazyModel(VisionModelOptions options, ILoggerFactory? loggerFactory, IProgress<ModelLoadProgress>? progress = null)
    : IModelSource, IAsyncDisposable, IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposing = new();
    private Task<VisionLanguageEngine>? _load;
    private string? _folder;
    private bool _disposed;

    public string ModelId { get; } = options.ModelId
        ?? ModelLocator.IdOf(options.ModelPath ?? throw new ArgumentException("ModelPath is empty.", nameof(options)));

    public IReadOnlyCollection<string> Names => [ModelId];

    /// <summary>How it is loaded.</summary>
    public VisionModelOptions Options => options;

    public string Fingerprint =>
        string.Join('|', ModelId, options.Precision, options.Quantization, options.QuantizeHead, options.ActivationBits,
            options.Float32Kv, options.ImageFit, options.MaxContextTokens, options.SelfCalibrate, FolderFingerprint());

    // A model that is still to be fetched has no files to go by.
    private string FolderFingerprint() => _folder is null && options.DownloadIfMissing && ModelLocator.IsMissing(options.ModelPath!)
        ? $"missing:{options.ModelPath}"
        : _folder ??= ModelFolderCheck.Fingerprint(ModelLocator.Resolve(options.ModelPath!));

    public IVisionEngine? Current => Volatile.Read(ref _load) is { IsCompletedSuccessfully: true } load ? load.Result : null;

    public async ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken)
    {
        Task<VisionLanguageEngine> load;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // An engine whose thread ended is of no more use to anybody.
            if (_load is { IsCompletedSuccessfully: true } dead && dead.Result.GetStatus().State == EngineState.Faulted)
            {
                _ = dead.Result.DisposeAsync().AsTask();
                _load = null;
            }

            // One caller's cancellation must not fail the load for the others: it belongs to the model.
            if (_load is null or { IsFaulted: true } or { IsCanceled: true })
                _load = VisionLanguageEngine.LoadAsync(options, progress, loggerFactory, _disposing.Token);
            load = _load;
        }

        try
        {
            return await load.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && _disposing.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(LazyModel), $"The model '{ModelId}' was disposed while it was loading.");
        }
    }

    /// <summary>State, without loading anything and without waiting.</summary>
    public EngineStatus GetStatus()
    {
        var load = Volatile.Read(ref _load);
        return load switch
        {
            null => new EngineStatus(_disposed ? EngineState.Disposed : EngineState.NotLoaded, 0, false, 0),
            { IsCompletedSuccessfully: true } => load.Result.GetStatus(),
            { IsFaulted: true } => new EngineStatus(EngineState.Faulted, 0, false, 0, load.Exception!.InnerException!.Message),
            { IsCanceled: true } => new EngineStatus(EngineState.NotLoaded, 0, false, 0),
            _ => new EngineStatus(EngineState.Loading, 0, false, 0),
        };
    }

    /// <summary>Answers what runs and waits, then ends; nothing is loaded for it.</summary>
    public Task StopAsync(CancellationToken cancellationToken) =>
        Volatile.Read(ref _load) is { IsCompletedSuccessfully: true } load ? load.Result.StopAsync(cancellationToken) : Task.CompletedTask;

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
