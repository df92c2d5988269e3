using System.Diagnostics;
using System.Runtime.CompilerServices;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Engine;
using D2Pruner.AI.Runtime.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace D2Pruner.AI.Runtime;

/// <summary>
/// Owns a model and the one thread that computes with it. Requests are prepared on their callers' side and wait in a bounded line; up to
/// <see cref="VisionModelOptions.MaxSequences"/> answers are in progress at once and decode together. Events come back through channels, so
/// that nothing asynchronous ever runs inside inference mode. Safe for concurrent use.
/// </summary>
public sealed class VisionLanguageEngine : IVisionEngine, IAsyncDisposable, IDisposable
{
    // Text below this is tokenized at once; longer text and images are prepared on the thread pool.
    private const int SmallText = 1 << 14;

    private readonly IExecutor _executor;
    private readonly EngineLimits _limits;
    private readonly WaitingLine _line;
    private readonly Scheduler _scheduler;
    private readonly SequenceLog _log;
    private readonly Thread _thread;
    private readonly SemaphoreSlim _preparing = new(Math.Max(1, Environment.ProcessorCount));
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile EngineState _state = EngineState.Ready;
    private volatile string? _error;
    private volatile string _advice = " Load the model again.";
    private int _unqueued; // requests that have a place and are not queued yet

    private VisionLanguageEngine(IExecutor executor, EngineLimits limits, ILogger logger)
    {
        (_executor, _limits) = (executor, limits);
        _line = new WaitingLine(limits);
        _log = new SequenceLog(logger, executor.Model.Id);
        _scheduler = new Scheduler(executor, limits, _line, _log);
        _thread = Thread.CurrentThread;
        Model = executor.Model;
    }

    /// <inheritdoc/>
    public VisionModelInfo Model { get; }

    /// <summary>Loads a model and starts its thread.</summary>
    /// <param name="options">What to load and how.</param>
    /// <param name="progress">Gets progress, on the loading thread.</param>
    /// <param name="loggerFactory">Logging; null for none.</param>
    /// <param name="cancellationToken">Cancels the load; nothing stays behind.</param>
    /// <exception cref="ArgumentException">Options that cannot be honoured.</exception>
    /// <exception cref="Checkpoints.CheckpointException">The folder cannot be loaded; the message
    /// lists everything that is wrong.</exception>
    /// <exception cref="TorchUnavailableException">libtorch cannot be loaded.</exception>
    public static Task<VisionLanguageEngine> LoadAsync(
        VisionModelOptions options,
        IProgress<ModelLoadProgress>? progress = null,
        ILoggerFactory? loggerFactory = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ModelLoader.Validate(options);
        var factory = new QuietLoggerFactory(loggerFactory);
        return StartAsync(ct => ModelExecutor.Load(options, progress, factory, ct), EngineLimits.From(options), loggerFactory,
            cancellationToken);
    }

    /// <summary>Starts an engine over any executor: the loader runs on the engine's thread, because
    /// inference mode belongs to a thread.</summary>
    internal static async Task<VisionLanguageEngine> StartAsync(
        Func<CancellationToken, IExecutor> load, EngineLimits limits, ILoggerFactory? loggerFactory, CancellationToken cancellationToken)
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
                engine = new VisionLanguageEngine(load(cancellationToken), limits, logger);
                engine._log.Loaded(engine.Model, watch.Elapsed.TotalMilliseconds);
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
        var (memory, running) = (_executor.Memory, _scheduler.Running);
        return new EngineStatus(_state, _line.Taken, running > 0, memory.WeightBytes, _error, _limits.QueueCapacity,
            memory.VisionCacheBytes, memory.VisionRuns)
        {
            RunningSequences = running,
            MaxSequences = _limits.MaxSequences,
            KvBytes = _scheduler.KvBytes,
            MaxKvBytes = _executor.MaxKvBytes,
            PrefixCacheBytes = memory.PrefixCacheBytes,
            PrefixCacheQueries = memory.PrefixQueries,
            PrefixCacheHits = memory.PrefixHits,
        };
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationEvent> GenerateAsync(VisionRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Turns.Count == 0) throw new ArgumentException("A request needs at least one turn.", nameof(request));
        _executor.Validate(request);
        return Enumerate(request, Activity.Current?.Context ?? default, cancellationToken);
    }

    /// <summary>Runs a small image through every part, with and without pruning, so that the first real request pays for nothing.</summary>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <exception cref="EngineBusyException">The queue is full.</exception>
    public async Task WarmUpAsync(CancellationToken cancellationToken = default)
    {
        var image = new ImagePart(WarmUpImage.Draw());
        foreach (var pruning in new[] { null, PruningSettings.FromPreset(PruningPreset.Understanding) })
        {
            var request = new VisionRequest
            {
                Turns = [new ChatTurn("user", [image, new TextPart("What is this?")])],
                Generation = new GenerationSettings { MaxNewTokens = 2, IgnoreModelDefaults = true },
                Pruning = pruning is null ? null : pruning with { Prior = "uniform" },
                PrefixReuse = PrefixReuse.Off,
            };
            await foreach (var _ in GenerateAsync(request, cancellationToken).ConfigureAwait(false))
            {
            }
        }
    }

    /// <summary>Ends the engine gracefully: it takes nothing new, answers what runs and waits, and frees
    /// everything. Disposing cancels instead.</summary>
    /// <param name="cancellationToken">Ends the patience: what is left is cancelled then.</param>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (_state == EngineState.Ready) _state = EngineState.Stopping;
        _scheduler.Stop();
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
        _scheduler.Shutdown();
        // On its own thread (a listener that disposes) it cannot wait for itself; the loop ends at its next look.
        if (Thread.CurrentThread != _thread) _ended.Task.GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _scheduler.Shutdown();
        if (Thread.CurrentThread != _thread) await _ended.Task.ConfigureAwait(false);
    }

    /// <summary>Ends the thread as a defect would.</summary>
    internal void BreakForTests(Exception e) => _scheduler.Break(e);

    private async IAsyncEnumerable<GenerationEvent> Enumerate(
        VisionRequest request, ActivityContext parent, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var sequence = await QueueAsync(request, parent, cancellationToken).ConfigureAwait(false);
        // Cancelling in the queue frees the place at once; a running one is dropped at its next border.
        using var leave = cancellationToken.UnsafeRegister(_ => _scheduler.Leave(sequence), null);
        try
        {
            await foreach (var e in sequence.Events.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false)) yield return e;
        }
        finally
        {
            _scheduler.Leave(sequence);
        }
    }

    // Headers first: a broken image waits for nothing. Then a place in the line, so that a full one refuses before any image is decoded.
    private async Task<Sequence> QueueAsync(VisionRequest request, ActivityContext parent, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfClosed();
        try
        {
            _executor.CheckImages(request);
            await _line.EnterAsync(cancellationToken).ConfigureAwait(false);
            return await EnqueueAsync(request, parent, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // What was queued is counted where it ends.
            _log.Lost(e);
            // With weights that changed nobody can be answered any more: the engine ends, so that its state tells, and the model is loaded
            // anew. The caller hears of it when that state is there and the memory free.
            if (e is WeightsChangedException)
            {
                _scheduler.Break(new EngineUnavailableException(e.Message, e));
                await _ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            throw;
        }
    }

    // Prepares a request that has a place; the place is given back where that fails.
    private async Task<Sequence> EnqueueAsync(VisionRequest request, ActivityContext parent, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _unqueued);
        var queued = false;
        PreparedRequest? prepared = null;
        try
        {
            ThrowIfClosed();
            prepared = await PrepareAsync(request, cancellationToken).ConfigureAwait(false);
            var sequence = new Sequence(prepared, parent, cancellationToken);
            queued = _scheduler.Enqueue(sequence);
            if (queued) return sequence;
            // Of a thread that fails, the state is known when it has ended.
            if (_scheduler.IsBroken) await _ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            ThrowIfClosed();
            throw new ObjectDisposedException(nameof(VisionLanguageEngine));
        }
        finally
        {
            Interlocked.Decrement(ref _unqueued);
            if (!queued)
            {
                prepared?.Dispose();
                _line.Leave();
            }
        }
    }

    private async Task<PreparedRequest> PrepareAsync(VisionRequest request, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        PreparedRequest prepared;
        if (request.Turns.SelectMany(t => t.Parts).All(p => p is not ImagePart) && request.Turns.Sum(t => (long)t.Text.Length) < SmallText)
        {
            prepared = _executor.Prepare(request, cancellationToken);
        }
        else
        {
            await _preparing.WaitAsync(cancellationToken).ConfigureAwait(false);
            var work = Task.Run(() => PrepareAside(request, cancellationToken), CancellationToken.None);
            try
            {
                prepared = await work.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!work.IsFaulted && !work.IsCanceled)
            {
                // A native decoder cannot be interrupted, and its caller does not wait for it.
                Interlocked.Increment(ref _unqueued);
                _ = ForgetAsync(work);
                throw;
            }
        }

        prepared.PreprocessTime = watch.Elapsed;
        return prepared;
    }

    private PreparedRequest PrepareAside(VisionRequest request, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            return _executor.Prepare(request, cancellationToken);
        }
        finally
        {
            _preparing.Release();
        }
    }

    // Frees what was prepared for a caller who has left.
    private async Task ForgetAsync(Task<PreparedRequest> work)
    {
        await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (work.IsCompletedSuccessfully) work.Result.Dispose();
        Interlocked.Decrement(ref _unqueued);
    }

    private void ThrowIfClosed()
    {
        switch (_state)
        {
            case EngineState.Disposed:
                throw new ObjectDisposedException(nameof(VisionLanguageEngine));
            case EngineState.Faulted:
                throw new EngineUnavailableException($"The engine has ended: {_error}{_advice}");
            case EngineState.Stopping:
                throw new EngineUnavailableException(
                    "The engine is stopping and takes no new requests. Send it to another instance, or load the model again.");
        }
    }

    private void Loop()
    {
        var end = EngineState.Disposed;
        try
        {
            _scheduler.Run(() => Volatile.Read(ref _unqueued) > 0);
        }
        catch (Exception e)
        {
            (end, _error) = (EngineState.Faulted, e.Message);
            if (DeviceErrors.IsLost(e)) _advice = "";
            _log.Ended(e);
        }
        finally
        {
            _state = end;
            EngineTelemetry.Ended(this);
            SequenceLog.Quietly(_executor.Dispose);
            _ended.TrySetResult();
        }
    }
}
