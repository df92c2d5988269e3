namespace D2Pruner.AI.Pruning;

/// <summary>
/// One of the process's TF32 switches, kept off for as long as anybody holds it: engines that need it at once hold it together, and what
/// the application had set comes back when the last one is done.
/// </summary>
/// <param name="isAllowed">Reads the switch.</param>
/// <param name="allow">Sets it.</param>
internal sealed class Tf32Switch(Func<bool> isAllowed, Action<bool> allow)
{
    private readonly Lock _gate = new();
    private int _holders;
    private bool _allowed;

    /// <summary>Keeps it off until what is returned is disposed.</summary>
    public Holder Hold()
    {
        lock (_gate)
        {
            if (_holders++ == 0 && (_allowed = isAllowed())) allow(false);
        }

        return new Holder(this);
    }

    private void Release()
    {
        lock (_gate)
        {
            if (--_holders == 0 && _allowed) allow(true);
        }
    }

    /// <summary>Who holds it; the default holds nothing.</summary>
    /// <param name="held">The switch.</param>
    public readonly struct Holder(Tf32Switch held) : IDisposable
    {
        private readonly Tf32Switch? _held = held;

        public void Dispose() => _held?.Release();
    }
}
