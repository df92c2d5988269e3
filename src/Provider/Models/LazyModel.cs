using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI;

/// <summary>A registered model: loaded once at first use, shared by its clients, disposed by the container. What could not be loaded,
/// or has ended since, is loaded anew by whoever asks for it next.</summary>
internal sealed class LazyModel(VisionModelOptions options, ILoggerFactory? loggerFactory, IProgress<ModelLoadProgress>? progress = null)
    : IModelSource, IAsyncDisposable, IDisposable
{
    private const string Missing = "missing:";
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposing = new();
    private readonly string[] _hubNames = HubNames.Of(options.ModelPath);
    private Task<VisionLanguageEngine>? _load;
    private volatile string? _files;
    private bool _disposed;

    public string ModelId { get; } = options.ModelId
        ?? ModelLocator.IdOf(options.ModelPath ?? throw new ArgumentException("ModelPath is empty.", nameof(options)));

    public IReadOnlyCollection<string> Names => [ModelId, .. _hubNames];

    /// <summary>How it is loaded.</summary>
    public VisionModelOptions Options => options;

    public string Fingerprint =>
        string.Join('|', ModelId, options.Precision, options.Quantization, options.QuantizeHead, options.ActivationBits,
            options.Float32Kv, options.ImageFit, options.MaxContextTokens, options.SelfCalibrate, FilesFingerprint());

    // Of the files that were loaded, whatever becomes of them. Where the next request loads, they are looked at each time: they may be
    // others by then.
    private string FilesFingerprint()
    {
        if (_files is { } loaded && Current is { } engine && engine.GetStatus().State != EngineState.Faulted) return loaded;
        // A model that is still to be fetched has no files to go by.
        return options.DownloadIfMissing && ModelLocator.IsMissing(options.ModelPath!)
            ? $"{Missing}{options.ModelPath}" + ModelFolderCheck.Fingerprint(options.Priors, "")
            : FingerprintOf(ModelLocator.Resolve(options.ModelPath!));
    }

    private string FingerprintOf(string folder) =>
        ModelFolderCheck.Fingerprint(folder) + ModelFolderCheck.Fingerprint(options.Priors, folder);

    public IVisionEngine? Current => Volatile.Read(ref _load) is { IsCompletedSuccessfully: true } load ? load.Result : null;

    public async ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken)
    {
        Task<VisionLanguageEngine> load;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // An engine whose thread ended is of no more use to anybody.
            if (_load is { IsCompletedSuccessfully: true } ended && ended.Result.GetStatus().State == EngineState.Faulted)
                _load = ReplaceAsync(ended.Result);
            else if (_load is null or { IsFaulted: true } or { IsCanceled: true })
                _load = LoadAsync();
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

    // One caller's cancellation must not fail the load for the others: it belongs to the model.
    private async Task<VisionLanguageEngine> LoadAsync()
    {
        // The files may be others by now.
        _files = null;
        var before = await Task.Run(() => Readable(FilesFingerprint)).ConfigureAwait(false);
        var engine = await VisionLanguageEngine.LoadAsync(options, progress, loggerFactory, _disposing.Token).ConfigureAwait(false);
        var after = Readable(() => FingerprintOf(engine.Model.Folder));
        // Which of the files that changed meanwhile were loaded is not known: such a load's answers are nobody else's.
        var isKnown = after is null || after == before || before?.StartsWith(Missing, StringComparison.Ordinal) == true;
        _files = isKnown ? after : Guid.NewGuid().ToString();
        return engine;
    }

    // A load says for itself what is wrong, and a model answers without it; a cache asks again, and says what cannot be read.
    private static string? Readable(Func<string> fingerprint)
    {
        try
        {
            return fingerprint();
        }
        catch (Exception)
        {
            return null;
        }
    }

    // The memory of the one that ended is free before that of the next is taken.
    private async Task<VisionLanguageEngine> ReplaceAsync(VisionLanguageEngine ended)
    {
        await ended.DisposeAsync().ConfigureAwait(false);
        return await LoadAsync().ConfigureAwait(false);
    }

    /// <summary>Whether a request failed because its engine ended, so that the next one that is asked for is another.</summary>
    /// <param name="engine">The engine that was asked.</param>
    /// <param name="failure">What the request failed with.</param>
    /// <param name="cancellationToken">Cancels the waiting.</param>
    public static async ValueTask<bool> HasEndedAsync(IVisionEngine engine, Exception failure, CancellationToken cancellationToken)
    {
        if (failure is not (WeightsChangedException or EngineUnavailableException or ObjectDisposedException)) return false;
        // Those who wait hear of the end a moment before the engine's state tells it.
        for (var i = 0; i < 100 && engine.GetStatus().State == EngineState.Ready; i++)
            await Task.Delay(10, cancellationToken).ConfigureAwait(false);
        return engine.GetStatus().State == EngineState.Faulted;
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
