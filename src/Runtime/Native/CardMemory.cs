namespace D2Pruner.AI.Runtime.Native;

/// <summary>
/// What a GPU has free for the next model. libtorch keeps what a disposed model gave back and takes the next one's weights from it, but the
/// driver counts it as taken, and nothing here can make libtorch let go of it. So once a model has gone, what is free is the most that
/// ever was, less the models that are there.
/// </summary>
/// <param name="driver">Free bytes as the driver sees them; null where it does not tell.</param>
internal sealed class CardMemory(Func<long?> driver)
{
    private readonly Lock _gate = new();
    private long _most;
    private long _models;
    private int _loads;
    private bool _gone;

    /// <summary>Free bytes, or null where the driver does not tell.</summary>
    public long? Free()
    {
        if (driver() is not { } free) return null;
        lock (_gate)
        {
            if (_loads == 0) _most = Math.Max(_most, free + _models);
            return _gone ? _most - _models : free;
        }
    }

    /// <summary>Says that a model takes its place.</summary>
    /// <param name="bytes">Bytes of its weights.</param>
    /// <returns>To be disposed when it has gone, or when its load failed.</returns>
    public IDisposable Hold(long bytes)
    {
        lock (_gate) _models += bytes;
        return new Place(() => Leave(bytes));
    }

    /// <summary>Says that a model is being loaded: how much of it lies there already is not known.</summary>
    /// <returns>To be disposed when it is there, or when its load failed.</returns>
    public IDisposable Load()
    {
        lock (_gate) _loads++;
        return new Place(Loaded);
    }

    private void Loaded()
    {
        lock (_gate) _loads--;
    }

    private void Leave(long bytes)
    {
        lock (_gate) (_models, _gone) = (_models - bytes, true);
    }

    private sealed class Place(Action leave) : IDisposable
    {
        private Action? _leave = leave;

        public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
    }
}
