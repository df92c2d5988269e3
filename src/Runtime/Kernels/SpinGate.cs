namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>A counter that threads wait on: they spin briefly, give their time away a few times, then sleep, so that a crowded
/// machine loses nothing by them.</summary>
internal sealed class SpinGate
{
    private const int Spins = 2000;
    private const int Yields = 20;
    private readonly object _sleep = new();
    private int _value;
    private int _sleeping;

    /// <summary>The count.</summary>
    public int Value => Volatile.Read(ref _value);

    /// <summary>Counts on and wakes whoever sleeps.</summary>
    public void Advance()
    {
        Interlocked.Increment(ref _value);
        if (Volatile.Read(ref _sleeping) == 0) return;
        lock (_sleep) Monitor.PulseAll(_sleep);
    }

    /// <summary>Waits until the count is no longer <paramref name="seen"/>.</summary>
    public void WaitPast(int seen)
    {
        for (var i = 0; i < Spins; i++)
        {
            if (Volatile.Read(ref _value) != seen) return;
            Thread.SpinWait(1);
        }

        for (var i = 0; i < Yields; i++)
        {
            if (Volatile.Read(ref _value) != seen) return;
            Thread.Yield();
        }

        // Announced before the last look: whoever counts on after it sees the sleeper.
        Interlocked.Increment(ref _sleeping);
        lock (_sleep)
        {
            while (Volatile.Read(ref _value) == seen) Monitor.Wait(_sleep);
        }

        Interlocked.Decrement(ref _sleeping);
    }
}
