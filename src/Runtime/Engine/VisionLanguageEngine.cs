using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace D2Pruner.AI.Runtime;

/// <summary>
/// Owns a model and the one thread that computes with it. Requests wait in a bounded first-in-first-out queue; their events come
/// back through channels, so that nothing asynchronous ever runs inside inference mode. Safe for concurrent use.
/// </summary>
public sealed partial class VisionLanguageEngine : IVisionEngine, IAsyncDisposable, IDisposable
{
    private readonly LinkedList<Job> _queue = [];
    private readonly object _gate = new();
    private readonly int _capacity;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _shutdown = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IRequestRunner _runner;
    private bool _busy;
    private bool _disposed;
    private bool _stopping;

    private VisionLanguageEngine(IRequestRunner runner, int capacity, ILogger logger)
    {
        _runner = runner;
        _capacity = capacity;
        _logger = logger;
        Model = runner.Model;
    }

    /// <inheritdoc/>
    public VisionModelInfo Model { get; }

    /// <summary>Loads a model and starts its thread.</summary>
    /// <param name="options">What to load and how.</param>
    /// <param name="progress">Gets progress, on the loading thread.</param>
    /// <param name="loggerFactory">Logging; null for none.</param>
    /// <param name="cancellationToken">Cancels the load; nothing stays behind.</param>
    /// <exception cref="ArgumentException">Options that cannot be honoured.</exception>
    /// <exception cref="Checkpoints.CheckpointException">The folder cannot be loaded; the message lists everything that is wrong.</exception>
    /// <exception cref="TorchUnavailableException">libtorch cannot be loaded.</exception>
    public static Task<VisionLanguageEngine> LoadAsync(
        VisionModelOptions options,
        IProgress<ModelLoadProgress>? progress = null,
        ILoggerFactory? loggerFactory = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ModelLoader.Validate(options);
        return StartAsync(
            ct => ModelRequestRunner.Load(options, progress, loggerFactory ?? NullLoggerFactory.Instance, ct),
            options.QueueCapacity,
            loggerFactory,
            cancellationToken);
    }

    /// <summary>Starts an engine over any runner: the loader runs on the engine's thread, because inference mode belongs to a thread.</summary>
    internal static async Task<VisionLanguageEngine> StartAsync(
        Func<CancellationToken, IRequestRunner> load, int capacity, ILoggerFactory? loggerFactory, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger<VisionLanguageEngine>();
        var ready = new TaskCompletionSource<VisionLanguageEngine>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            VisionLanguageEngine engine;
            try
            {
                var watch = Stopwatch.StartNew();
                engine = new VisionLanguageEngine(load(cancellationToken), capacity, logger);
                Log.Loaded(logger, engine.Model.Id, engine.Model.Family, engine.Model.DType, engine.Model.Device, watch.Elapsed.TotalMilliseconds);
            }
            catch (OperationCanceledException e)
            {
                ready.TrySetCanceled(e.CancellationToken);
                return;
            }
            catch (Exception e)
            {
                ready.TrySetException(e);
                return;
            }

            EngineTelemetry.Started(engine);
            ready.TrySetResult(engine);
            engine.Loop();
        })
        { IsBackground = true, Name = "D2Pruner engine" }.Start();
        return await ready.Task.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public EngineStatus GetStatus()
    {
        lock (_gate)
        {
            var state = _disposed ? EngineState.Disposed : _stopping ? EngineState.Stopping : EngineState.Ready;
            return new EngineStatus(state, _queue.Count, _busy, _runner.WeightBytes, null, _capacity, _runner.VisionCacheBytes, _runner.VisionRuns);
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationEvent> GenerateAsync(VisionRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Turns.Count == 0) throw new ArgumentException("A request needs at least one turn.", nameof(request));
        _runner.Validate(request);
        return Enumerate(request, Activity.Current?.Context ?? default, cancellationToken);
    }

    /// <summary>Runs a small picture through every part, with and without pruning, so that the first real request pays for nothing.</summary>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <exception cref="EngineBusyException">The queue is full.</exception>
    public async Task WarmUpAsync(CancellationToken cancellationToken = default)
    {
        var picture = new ImagePart(WarmUpPicture.Draw());
        foreach (var pruning in new[] { null, PruningSettings.FromPreset(PruningPreset.Understanding) })
        {
            var request = new VisionRequest
            {
                Turns = [new ChatTurn("user", [picture, new TextPart("What is this?")])],
                Generation = new GenerationSettings { MaxNewTokens = 2, IgnoreModelDefaults = true },
                Pruning = pruning is null ? null : pruning with { Prior = "uniform" },
            };
            await foreach (var _ in GenerateAsync(request, cancellationToken).ConfigureAwait(false))
            {
            }
        }
    }

    /// <summary>Ends the engine gracefully: it takes nothing new, answers what runs and waits, and frees everything. Disposing cancels instead.</summary>
    /// <param name="cancellationToken">Ends the patience: what is left is cancelled then.</param>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        try
        {
            await _ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Shutdown();
        if (Thread.CurrentThread.Name != "D2Pruner engine") _ended.Task.GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Shutdown();
        await _ended.Task.ConfigureAwait(false);
    }

    private async IAsyncEnumerable<GenerationEvent> Enumerate(VisionRequest request, ActivityContext parent, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _shutdown.Token);
        var job = new Job(request, parent, cancel.Token);
        Enqueue(job);
        // Cancelling in the queue frees the place at once; the running job observes the same token.
        using var leave = cancel.Token.UnsafeRegister(_ => Leave(job), null);
        try
        {
            await foreach (var e in job.Events.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false)) yield return e;
        }
        finally
        {
            await cancel.CancelAsync().ConfigureAwait(false);
        }
    }

    private void Enqueue(Job job)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_stopping) throw new EngineUnavailableException("The engine is stopping and takes no new requests.");
            if (_queue.Count >= _capacity)
            {
                EngineTelemetry.Counted(Model.Id, "rejected");
                throw new EngineBusyException(_capacity);
            }

            _queue.AddLast(job);
            Monitor.PulseAll(_gate);
        }
    }

    private void Leave(Job job)
    {
        bool waiting;
        lock (_gate) waiting = _queue.Remove(job);
        if (waiting) job.Events.Writer.TryComplete(new OperationCanceledException(job.CancellationToken));
    }

    private void Shutdown()
    {
        Job[] waiting;
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            waiting = [.. _queue];
            _queue.Clear();
            Monitor.PulseAll(_gate);
        }

        foreach (var job in waiting) job.Events.Writer.TryComplete(new OperationCanceledException("The engine was disposed."));
        _shutdown.Cancel();
    }

    private void Loop()
    {
        try
        {
            while (Next() is { } job) Run(job);
        }
        finally
        {
            lock (_gate) _disposed = true;
            EngineTelemetry.Ended(this);
            _runner.Dispose();
            _ended.TrySetResult();
        }
    }

    private Job? Next()
    {
        lock (_gate)
        {
            _busy = false;
            while (_queue.Count == 0 && !_disposed && !_stopping) Monitor.Wait(_gate);
            if (_disposed || _queue.Count == 0) return null;
            var job = _queue.First!.Value;
            _queue.RemoveFirst();
            _busy = true;
            return job;
        }
    }

    private void Run(Job job)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            job.CancellationToken.ThrowIfCancellationRequested();
            Answer(job);
            job.Events.Writer.TryComplete();
            EngineTelemetry.Counted(Model.Id, "ok");
            Log.Answered(_logger, watch.Elapsed.TotalMilliseconds);
        }
        catch (OperationCanceledException e)
        {
            EngineTelemetry.Counted(Model.Id, "cancelled");
            Log.Cancelled(_logger, watch.Elapsed.TotalMilliseconds);
            job.Events.Writer.TryComplete(e);
        }
        catch (Exception e)
        {
            // One request's failure belongs to its caller alone. What it left unreachable may hold native memory.
            var outOfMemory = EngineOutOfMemoryException.Is(e);
            if (outOfMemory) _runner.Trim();
            EngineTelemetry.Counted(Model.Id, outOfMemory ? "out_of_memory" : "failed");
            Log.Failed(_logger, e);
            job.Events.Writer.TryComplete(outOfMemory ? new EngineOutOfMemoryException(e) : e);
            Collect();
        }
    }

    private void Answer(Job job)
    {
        for (var retry = false; ; retry = true)
        {
            try
            {
                _runner.Run(job.Request, Stopwatch.GetElapsedTime(job.Queued), e => Emit(job, e), job.CancellationToken);
                return;
            }
            catch (Exception e) when (!retry && !job.HasEvents && EngineOutOfMemoryException.Is(e) && _runner.Trim() is > 0 and var freed)
            {
                // Once more without the cached pictures: nobody has seen anything of this answer yet.
                Log.Trimmed(_logger, freed);
                Collect();
            }
        }
    }

    private void Emit(Job job, GenerationEvent e)
    {
        job.HasEvents = true;
        if (e is PrefillCompleted prefill) EngineTelemetry.Prefilled(Model.Id, prefill.Prefill, job.Parent, job.QueuedAt);
        if (e is GenerationCompleted completed) EngineTelemetry.Decoded(Model.Id, completed.Result, job.Parent);
        job.Events.Writer.TryWrite(e);
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private sealed class Job(VisionRequest request, ActivityContext parent, CancellationToken cancellationToken)
    {
        public VisionRequest Request { get; } = request;

        /// <summary>The caller's span: the engine's thread has none.</summary>
        public ActivityContext Parent { get; } = parent;

        public CancellationToken CancellationToken { get; } = cancellationToken;

        public long Queued { get; } = Stopwatch.GetTimestamp();

        public DateTime QueuedAt { get; } = DateTime.UtcNow;

        public bool HasEvents { get; set; }

        public Channel<GenerationEvent> Events { get; } = Channel.CreateUnbounded<GenerationEvent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = false });
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Loaded {Model} ({Family}, {DType}, {Device}) in {Milliseconds:F0} ms.")]
        public static partial void Loaded(ILogger logger, string model, string family, string dType, string device, double milliseconds);

        [LoggerMessage(2, LogLevel.Debug, "Answered a request in {Milliseconds:F0} ms.")]
        public static partial void Answered(ILogger logger, double milliseconds);

        [LoggerMessage(3, LogLevel.Debug, "A request was cancelled after {Milliseconds:F0} ms.")]
        public static partial void Cancelled(ILogger logger, double milliseconds);

        [LoggerMessage(5, LogLevel.Warning, "Memory ran out; {Bytes} bytes of cached picture features were freed and the request is tried once more.")]
        public static partial void Trimmed(ILogger logger, long bytes);

        [LoggerMessage(4, LogLevel.Warning, "A request failed; the engine goes on.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
