using System.Diagnostics;
using System.Runtime.Intrinsics;
using D2Pruner.AI.Runtime.Kernels;

namespace D2Pruner.AI.Benchmarks;

/// <summary>How fast the team reads the weights' own pages when it does nothing else: four streams a thread, as the kernels read.</summary>
internal sealed unsafe class ReadRate(WorkerTeam team) : ITeamWork
{
    private IReadOnlyList<KernelMatrix> _matrices = [];
    private long _sink;

    /// <summary>Bytes per second over some matrices.</summary>
    public double Measure(IReadOnlyList<KernelMatrix> matrices)
    {
        _matrices = matrices;
        var watch = Stopwatch.StartNew();
        team.Run(this);
        return matrices.Sum(m => m.Outputs * m.RowBytes) / watch.Elapsed.TotalSeconds;
    }

    public void Run(int member)
    {
        var sum = Vector512<long>.Zero;
        foreach (var m in _matrices)
        {
            var (from, to) = team.Share(m.Outputs, 16, member);
            var quarter = (to - from) * m.RowBytes / 4 / 64 * 64;
            byte* a = m.Data + from * m.RowBytes, b = a + quarter, c = b + quarter, d = c + quarter;
            var (s, t, u, v) = (sum, sum, sum, sum);
            for (long i = 0; i < quarter; i += 64)
            {
                s ^= Vector512.Load((long*)(a + i));
                t ^= Vector512.Load((long*)(b + i));
                u ^= Vector512.Load((long*)(c + i));
                v ^= Vector512.Load((long*)(d + i));
            }

            sum = s ^ t ^ u ^ v;
        }

        Interlocked.Add(ref _sink, Vector512.Sum(sum));
    }
}
