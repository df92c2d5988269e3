namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Threads of our own that work in step: between two barriers microseconds pass, so no general pool can
/// serve them. One caller at a time.</summary>
internal sealed class WorkerTeam : IDisposable
{
    private readonly SpinGate _start = new();
    private readonly SpinGate _barrier = new();
    private readonly Thread[] _threads;
    private ITeamWork? _work;
    private int _arrived;
    private volatile bool _stopped;

    /// <param name="count">Members, the calling thread among them.</param>
    public WorkerTeam(int count)
    {
        Count = Math.Max(1, count);
        _threads = new Thread[Count - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            var member = i + 1;
            _threads[i] = new Thread(() => Work(member)) { IsBackground = true, Name = $"d2pruner kernel {member}" };
            _threads[i].Start();
        }
    }

    /// <summary>Members.</summary>
    public int Count { get; }

    /// <summary>Has every member do its share; returns when all have.</summary>
    public void Run(ITeamWork work)
    {
        ObjectDisposedException.ThrowIf(_stopped, this);
        _work = work;
        _start.Advance();
        work.Run(0);
        Barrier();
        _work = null;
    }

    /// <summary>Waits until every member has come here. Called by all of them inside <see cref="ITeamWork.Run"/>.</summary>
    public void Barrier()
    {
        if (Count == 1) return;
        var seen = _barrier.Value;
        if (Interlocked.Increment(ref _arrived) == Count)
        {
            _arrived = 0;
            _barrier.Advance();
        }
        else
        {
            _barrier.WaitPast(seen);
        }
    }

    /// <summary>The share of a member in <paramref name="count"/> things, in whole units of <paramref name="unit"/>.</summary>
    public (int From, int To) Share(int count, int unit, int member)
    {
        var units = (count + unit - 1) / unit;
        var from = (int)((long)units * member / Count) * unit;
        var to = (int)((long)units * (member + 1) / Count) * unit;
        return (Math.Min(from, count), Math.Min(to, count));
    }

    public void Dispose()
    {
        if (_stopped) return;
        _stopped = true;
        _start.Advance();
        foreach (var t in _threads) t.Join();
    }

    private void Work(int member)
    {
        var seen = 0;
        while (true)
        {
            _start.WaitPast(seen);
            seen++;
            if (_stopped) return;
            _work!.Run(member);
            Barrier();
        }
    }
}
