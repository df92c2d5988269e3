using D2Pruner.AI.Runtime.Kernels;
using Xunit;

namespace D2Pruner.AI.Tests.Kernels;

public sealed class WorkerTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)] // more than the cores of a small machine: whoever waits must sleep, not spin
    public void Members_StayInStep(int count)
    {
        using var team = new WorkerTeam(count);
        var work = new Steps(team);
        for (var run = 0; run < 50; run++) team.Run(work);
        Assert.Equal(0, work.OutOfStep);
        Assert.Equal(50 * 20 * count, work.Done);
    }

    [Fact]
    public void Shares_CoverEverythingOnce_InWholeUnits()
    {
        using var team = new WorkerTeam(3);
        foreach (var n in new[] { 0, 1, 15, 16, 17, 100, 1000 })
        {
            var next = 0;
            for (var m = 0; m < 3; m++)
            {
                var (from, to) = team.Share(n, 16, m);
                Assert.Equal(next, from);
                Assert.True(to == n || to % 16 == 0);
                next = to;
            }

            Assert.Equal(n, next);
        }
    }

    [Fact]
    public void Disposed_TakesNoWork()
    {
        var team = new WorkerTeam(2);
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() => team.Run(new Steps(team)));
    }

    private sealed class Steps(WorkerTeam team) : ITeamWork
    {
        private int _in;

        public int Done;

        public int OutOfStep;

        public void Run(int member)
        {
            for (var step = 0; step < 20; step++)
            {
                Interlocked.Increment(ref _in);
                team.Barrier();
                if (Volatile.Read(ref _in) != team.Count) Interlocked.Increment(ref OutOfStep);
                Interlocked.Increment(ref Done);
                team.Barrier();
                if (member == 0) _in = 0;
                team.Barrier();
            }
        }
    }
}
