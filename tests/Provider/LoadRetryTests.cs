using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>How hosts and workers try a model again that cannot be loaded.</summary>
public sealed class LoadRetryTests
{
    [Fact]
    public void PausesGrow_AndEachKindOfFailureIsToldOnce()
    {
        var tries = new LoadRetry();
        Assert.Equal(TimeSpan.Zero, tries.Pause);
        var (told, pauses) = (0, new List<double>());
        for (var i = 0; i < 8; i++)
        {
            if (tries.Fails(i < 5 ? new IOException() : new InvalidOperationException())) told++;
            pauses.Add(tries.Pause.TotalSeconds);
        }

        Assert.Equal(2, told);
        Assert.Equal(new double[] { 10, 20, 40, 80, 160, 300, 300, 300 }, pauses);
        tries.Succeeds();
        Assert.Equal(TimeSpan.Zero, tries.Pause);
        Assert.True(tries.Fails(new InvalidOperationException()));
        Assert.Equal(LoadRetry.Look, tries.Pause);
    }
}
