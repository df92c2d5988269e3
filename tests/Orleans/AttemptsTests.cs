using D2Pruner.AI.Orleans;
using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>When a request that nobody took is tried again, and when it is given up.</summary>
public sealed class AttemptsTests
{
    [Fact]
    public async Task ARequestLostOnItsWay_IsTriedAgain_HoweverLateThatWasNoticed()
    {
        await using var workers = await TestWorkers.StartAsync(1, _ => new EchoEngine());
        var view = workers.Cluster.Client.ServiceProvider.GetRequiredService<ClusterView>();
        var clock = new SetClock();
        var options = new D2PrunerClusterOptions { FailoverTimeout = TimeSpan.FromSeconds(1) };
        var attempts = new Attempts(TestWorkers.Model, pinned: false, view, options, clock) { Fingerprint = "any" };

        attempts.Begin();
        clock.Now += TimeSpan.FromSeconds(5); // no answer within the cluster's own response time
        await attempts.LostAsync(new TimeoutException("no response"), default);
        Assert.True(attempts.Moved);

        attempts.Begin();
        clock.Now += TimeSpan.FromSeconds(2);
        var given = await Assert.ThrowsAsync<EngineUnavailableException>(
            () => attempts.LostAsync(new TimeoutException("no response"), default));
        Assert.Contains("FailoverTimeout", given.Message, StringComparison.Ordinal);
    }

    private sealed class SetClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
