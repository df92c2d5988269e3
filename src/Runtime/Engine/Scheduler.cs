using System.Diagnostics;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>
/// The engine thread's work: admits waiting sequences in their order while keys and values fit, reads their prompts in slices, and between
/// slices runs one decode step for all answers in progress. One sequence's failure ends that sequence only.
/// </summary>
internal sealed class Scheduler(IExecutor executor, EngineLimits limits, WaitingLine line, SequenceLog log)
{
    private readonly object _gate = new();
    private readonly LinkedList<Sequence> _waiting = [];
    private readonly List<Sequence> _running = []; // prompts read, answers in progress; the engine's thread only
    private readonly TimeSpan _stall = limits.MaxDecodeStall
    ?? (executor.Model.Device.StartsWith("cuda", StringComparison.Ordinal) ? TimeSpan.FromMilliseconds(100) : TimeSpan.Zero);
    private Sequence? _reading;
    private long _lastStep;
    private long _kvBytes;
    private int _runningCount;
    private Exception? _broken;
    private bool _stopping;
    private volatile bool _disposed;

    /// <summary>Sequences that run, the one being read included.</summary>
    public int Running => Volatile.Read(ref _runningCount);

    /// <summary>Bytes of keys and values set aside.</summary>
    public long KvBytes => Interlocked.Read(ref _kvBytes);

    /// <summary>Lets a sequence wait; it is answered, failed or cancelled from here on.</summary>
    /// <returns>False when the engine takes nothing any more.</returns>
    public bool Enqueue(Sequence sequence)
    {
        lock (_gate)
        {
            // What was prepared before the engine began to stop is still answered.
            if (_disposed) return false;
            _waiting.AddLast(sequence);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>A caller cancelled or left: a waiting sequence goes at once, a running one at its next border.</summary>
    public void Leave(Sequence sequence)
    {
        sequence.Leave();
        bool waited;
        lock (_gate)
        {
            waited = _waiting.Remove(sequence);
            Monitor.PulseAll(_gate);
        }

        if (!waited) return;
        line.Leave();
        var e = new OperationCanceledException(sequence.Caller);
        End(sequence, e);
        log.Dropped(sequence, e);
    }

    /// <summary>Answers what waits and runs, then ends.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Ends everything; callers get <see cref="ObjectDisposedException"/>.</summary>
    public void Shutdown()
    {
        lock (_gate)
        {
            _disposed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Ends the thread at its next border, as a defect would: whoever waits or is being answered hears why.</summary>
    public void Break(Exception e)
    {
        lock (_gate)
        {
            _broken ??= e;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Whether the thread ends, or has ended, by a failure.</summary>
    public bool IsBroken => Volatile.Read(ref _broken) is not null;

    /// <summary>Works until it is stopped or shut down. Whatever ends it, no caller is left waiting.</summary>
    /// <param name="isPreparing">Whether requests are still being prepared that a graceful stop must answer.</param>
    public void Run(Func<bool> isPreparing)
    {
        Exception reason = new ObjectDisposedException(
            nameof(VisionLanguageEngine), "The engine was disposed before the answer was complete.");
        try
        {
            while (Wait(isPreparing))
            {
                if (Volatile.Read(ref _broken) is { } broken) throw broken;
                Sweep();
                if (Admit() is { } next) Read(next);
                if (_running.Count > 0 && !IsBroken) Step();
            }
        }
        catch (Exception e)
        {
            Volatile.Write(ref _broken, e);
            reason = Ended(e);
            throw;
        }
        finally
        {
            EndAll(reason);
        }
    }

    private bool Wait(Func<bool> isPreparing)
    {
        lock (_gate)
        {
            while (!_disposed && _broken is null && _waiting.Count == 0 && _running.Count == 0)
            {
                if (_stopping && !isPreparing()) return false;
                Monitor.Wait(_gate, _stopping ? 20 : Timeout.Infinite);
            }

            return !_disposed;
        }
    }

    private void Sweep()
    {
        foreach (var s in _running.Where(s => !s.IsWanted).ToArray()) Drop(s, new OperationCanceledException(s.Caller));
    }

    // The oldest waiting one, if it fits beside those that run; first in, first out.
    private Sequence? Admit()
    {
        Sequence next;
        lock (_gate)
        {
            if (_waiting.First is not { } first || _running.Count >= limits.MaxSequences) return null;
            if (_running.Count > 0 && _kvBytes + first.Value.KvBytes > executor.MaxKvBytes) return null;
            next = first.Value;
            _waiting.RemoveFirst();
            _reading = next;
            Interlocked.Add(ref _kvBytes, next.KvBytes);
            Interlocked.Increment(ref _runningCount);
        }

        line.Leave();
        next.Admit();
        return next;
    }

    private void Read(Sequence s)
    {
        try
        {
            ThrowIfUnwanted(s);
            Prefill(s);
            s.Emit(new PrefillCompleted(s.Summary!));
            log.Prefilled(s);
            _running.Add(s);
            _reading = null;
            Accept(s);
        }
        catch (Exception e)
        {
            _reading = null;
            Drop(s, e);
        }
    }

    private void Prefill(Sequence s)
    {
        for (var retry = false; ; retry = true)
        {
            try
            {
                executor.Prefill(s, () => AtBorder(s), Waiting());
                return;
            }
            catch (Exception e) when (!retry && EngineOutOfMemoryException.Is(e) && executor.Trim() is > 0 and var freed)
            {
                // Once more without what can be computed again: nobody has seen anything of this answer yet.
                log.Trimmed(freed);
                Collect();
            }
        }
    }

    private Sequence[] Waiting()
    {
        lock (_gate) return [.. _waiting];
    }

    // Between two slices of a prompt: the answers in progress go on when they have waited long enough.
    private void AtBorder(Sequence reading)
    {
        ThrowIfUnwanted(reading);
        if (Volatile.Read(ref _broken) is { } broken) throw Ended(broken);
        if (_running.Count == 0) return;
        executor.AwaitSlice(reading);
        if (Stopwatch.GetElapsedTime(_lastStep) < _stall) return;
        Sweep();
        if (_running.Count > 0) Step();
    }

    private void ThrowIfUnwanted(Sequence s)
    {
        if (_disposed)
            throw new ObjectDisposedException(nameof(VisionLanguageEngine), "The engine was disposed before the answer was complete.");
        if (!s.IsWanted) throw new OperationCanceledException(s.Caller);
    }

    private void Step()
    {
        var batch = _running.ToArray();
        _lastStep = Stopwatch.GetTimestamp();
        if (Failure(batch) is not { } failure)
        {
            foreach (var s in batch) Accept(s);
            return;
        }

        if (DeviceErrors.IsLasting(failure))
        {
            Break(DeviceErrors.Lost(failure));
            return;
        }

        // Nothing of a failed step stays: each one for itself tells whose fault it was.
        foreach (var s in batch) Alone(s, batch.Length == 1 ? failure : Failure([s]));
    }

    private void Alone(Sequence s, Exception? failure)
    {
        if (failure is not null && EngineOutOfMemoryException.Is(failure) && executor.Trim() is > 0 and var freed)
        {
            log.Trimmed(freed);
            Collect();
            failure = Failure([s]);
        }

        if (failure is null) Accept(s);
        else Drop(s, failure);
    }

    private Exception? Failure(Sequence[] batch)
    {
        try
        {
            executor.Decode(batch);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private void Accept(Sequence s)
    {
        try
        {
            if (s.Accept()) return;
            var result = s.Result();
            executor.Keep(s);
            Release(s);
            s.Dispose(); // whoever hears of the answer finds its memory free
            s.Emit(new GenerationCompleted(result));
            s.End(null);
            log.Answered(s, result);
        }
        catch (Exception e)
        {
            Drop(s, e);
        }
    }

    private void Drop(Sequence s, Exception e)
    {
        Release(s);
        if (e is OperationCanceledException && _disposed && s.IsWanted) e = new ObjectDisposedException(nameof(VisionLanguageEngine));
        var outOfMemory = EngineOutOfMemoryException.Is(e);
        if (outOfMemory)
        {
            executor.Trim();
            e = new EngineOutOfMemoryException(e);
        }
        else if (DeviceErrors.IsLasting(e))
        {
            var lost = DeviceErrors.Lost(e);
            Break(lost);
            e = Ended(lost);
        }

        End(s, e);
        log.Dropped(s, e);
        // What a failure left unreachable may hold native memory.
        if (e is not OperationCanceledException) Collect();
    }

    private void Release(Sequence s)
    {
        _running.Remove(s);
        if (!s.Release()) return;
        Interlocked.Add(ref _kvBytes, -s.KvBytes);
        Interlocked.Decrement(ref _runningCount);
    }

    private static EngineUnavailableException Ended(Exception e) =>
        new($"The engine's thread ended: {e.Message}{(DeviceErrors.IsLost(e) ? "" : " Load the model again.")}", e);

    private static void End(Sequence s, Exception? e)
    {
        s.Dispose();
        s.End(e);
    }

    private void EndAll(Exception reason)
    {
        Sequence[] left;
        int waiting;
        lock (_gate)
        {
            _disposed = true;
            waiting = _waiting.Count;
            left = [.. _running, .. _waiting, .. _reading is { } r ? new[] { r } : []];
            _running.Clear();
            _waiting.Clear();
            _reading = null;
            Interlocked.Exchange(ref _kvBytes, 0);
            Interlocked.Exchange(ref _runningCount, 0);
        }

        line.Close(reason, waiting);
        foreach (var s in left)
        {
            var e = s.IsWanted ? reason : new OperationCanceledException(s.Caller);
            End(s, e);
            log.Lost(e);
        }
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }
}
