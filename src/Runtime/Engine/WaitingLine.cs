namespace D2Pruner.AI.Runtime.Engine;

/// <summary>The places in which requests wait, from the moment they come (being prepared included) until they are admitted.</summary>
internal sealed class WaitingLine(EngineLimits limits)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<TaskCompletionSource> _outside = [];
    private int _taken;
    private Exception? _closed;

    public int Taken
    {
        get
        {
            lock (_gate) return _taken;
        }
    }

    /// <summary>Takes a place, waiting for one where the mode says so.</summary>
    /// <exception cref="EngineBusyException">There is none, or none became free in time.</exception>
    public async ValueTask EnterAsync(CancellationToken cancellationToken)
    {
        LinkedListNode<TaskCompletionSource> node;
        lock (_gate)
        {
            if (_closed is not null) throw _closed;
            if (_taken < limits.QueueCapacity)
            {
                _taken++;
                return;
            }

            if (limits.QueueFullMode == QueueFullMode.Reject) throw new EngineBusyException(limits.QueueCapacity);
            node = _outside.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        try
        {
            await node.Value.Task.WaitAsync(limits.QueueTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            lock (_gate)
            {
                if (node.List is not null) _outside.Remove(node);
                else if (node.Value.Task.Exception is not null) throw _closed!; // the line was closed in the last moment
                else if (e is TimeoutException) return; // the place came in the last moment
                else Free();
            }

            if (e is TimeoutException) throw new EngineBusyException(limits.QueueCapacity, limits.QueueTimeout);
            throw;
        }
    }

    /// <summary>Gives a place back; who waits longest outside gets it.</summary>
    public void Leave()
    {
        lock (_gate) Free();
    }

    /// <summary>Ends the line: who waits outside, now or later, gets the reason.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="places">Places to give back, of those inside who were told already.</param>
    public void Close(Exception reason, int places)
    {
        lock (_gate)
        {
            _closed ??= reason;
            _taken -= places;
            foreach (var outside in _outside) outside.TrySetException(reason);
            _outside.Clear();
        }
    }

    private void Free()
    {
        if (_outside.First is { } next)
        {
            _outside.RemoveFirst();
            next.Value.TrySetResult();
        }
        else
        {
            _taken--;
        }
    }
}
