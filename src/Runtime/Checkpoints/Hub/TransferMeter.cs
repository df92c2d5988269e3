using System.Diagnostics;

namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Adds up what several transfers did and reports it a few times a second.</summary>
internal sealed class TransferMeter(IProgress<HubProgress>? progress)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Queue<(TimeSpan Time, long Received)> _samples = [];
    private TimeSpan _next;
    private string _stage = "";
    private long _done;
    private long _received;
    private long _total;
    private int _files;
    private int _filesTotal;

    /// <summary>Bytes that came over the network (or were hashed).</summary>
    public long Received => Interlocked.Read(ref _received);

    public void Expect(int files, long bytes)
    {
        lock (_gate) (_filesTotal, _total) = (files, bytes);
    }

    public void Stage(string stage)
    {
        lock (_gate) _stage = stage;
        Report(force: true);
    }

    /// <summary>Counts bytes that came now.</summary>
    public void Add(long bytes)
    {
        lock (_gate)
        {
            _done += bytes;
            _received += bytes;
        }

        Report(force: false);
    }

    /// <summary>Counts bytes that were there already, or takes back what has to come again (negative).</summary>
    public void Had(long bytes)
    {
        lock (_gate) _done += bytes;
    }

    public void FileDone()
    {
        lock (_gate) _files++;
        Report(force: true);
    }

    private void Report(bool force)
    {
        HubProgress report;
        lock (_gate)
        {
            var now = _watch.Elapsed;
            if (progress is null || (!force && now < _next)) return;
            _next = now + Interval;
            _samples.Enqueue((now, _received));
            while (_samples.Count > 2 && now - _samples.Peek().Time > Window) _samples.Dequeue();
            var (time, received) = _samples.Peek();
            var seconds = (now - time).TotalSeconds;
            report = new HubProgress(_stage, _done, _total, seconds > 0 ? (_received - received) / seconds : 0, _files, _filesTotal);
        }

        progress.Report(report);
    }
}
