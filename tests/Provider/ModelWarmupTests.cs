using System.Diagnostics;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>What the host does for models that cannot answer: where traffic follows readiness, nobody else would.</summary>
[Collection(TorchCollection.Name)]
public sealed class ModelWarmupTests : IDisposable
{
    private readonly CopiedModel _model = new();
    private readonly CollectingLogger _log = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task AFailedWarmUp_IsTriedAgain_AndToldOnce()
    {
        Hide();
        using var host = Build(warm: true);
        await host.StartAsync();
        var model = ModelOf(host);
        await WaitFor(() => Tries() >= 3);
        Assert.Null(model.Current);
        Show();
        await WaitFor(() => model.GetStatus() is { State: EngineState.Ready, VisionRuns: > 0 });
        await WaitFor(() => _log.Lines.Any(l => l.Contains("loaded and warm", StringComparison.Ordinal)));
        Assert.Single(_log.Lines, l => l.StartsWith("Error", StringComparison.Ordinal));
        await host.StopAsync();
    }

    [Fact]
    public async Task TheHostsEnd_EndsTheTries()
    {
        Hide();
        using var host = Build(warm: true);
        await host.StartAsync();
        await WaitFor(() => Tries() >= 1);
        await host.StopAsync();
        var tries = Tries();
        await Task.Delay(500);
        Assert.Equal(tries, Tries());
    }

    [Fact]
    public async Task AnEngineThatEnds_IsLoadedAnew_WithoutARequest()
    {
        using var host = Build(warm: false);
        await host.StartAsync();
        var model = ModelOf(host);
        var first = (VisionLanguageEngine)await model.GetAsync(default);
        first.BreakForTests(new InvalidOperationException("a defect"));
        await WaitFor(() => model.Current is { } current && !ReferenceEquals(current, first));
        Assert.Equal(EngineState.Ready, model.GetStatus().State);
        // Nobody asked for a warm-up.
        Assert.Equal(0, model.GetStatus().VisionRuns);
        await host.StopAsync();
    }

    [Fact]
    public async Task AModelThatIsNotWarmed_IsLeftToItsFirstRequest_AndTriedAgainWhereThatFails()
    {
        Hide();
        using var host = Build(warm: false);
        await host.StartAsync();
        var model = ModelOf(host);
        await Task.Delay(500);
        Assert.Equal(EngineState.NotLoaded, model.GetStatus().State);
        await Assert.ThrowsAsync<CheckpointException>(() => model.GetAsync(default).AsTask());
        Show();
        await WaitFor(() => model.GetStatus().State == EngineState.Ready);
        await host.StopAsync();
    }

    private static LazyModel ModelOf(IHost host) => host.Services.GetRequiredKeyedService<LazyModel>("default");

    private static async Task WaitFor(Func<bool> condition)
    {
        for (var i = 0; i < 3000 && !condition(); i++) await Task.Delay(20);
        Assert.True(condition());
    }

    private int Tries() => _log.Lines.Count(l => l.Contains("still cannot be loaded", StringComparison.Ordinal));

    // The host's start looks at the configuration alone.
    private void Hide() => File.Move(_model.Weights, _model.Weights + ".away");

    private void Show() => File.Move(_model.Weights + ".away", _model.Weights);

    private IHost Build(bool warm)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<ILoggerFactory>(_log);
        builder.Services.AddSingleton<TimeProvider>(new FastClock());
        builder.Services.AddD2PrunerModel("default", o => (o.ModelPath, o.Device) = (_model.Path, "cpu"));
        if (warm) builder.Services.AddD2PrunerWarmup();
        return builder.Build();
    }

    /// <summary>Goes a thousand times as fast: what waits for ten seconds waits for ten milliseconds.</summary>
    private sealed class FastClock : TimeProvider
    {
        private const int Factor = 1000;
        private readonly long _start = Stopwatch.GetTimestamp();

        public override long GetTimestamp() => (Stopwatch.GetTimestamp() - _start) * Factor;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / Factor : dueTime, period);
    }
}
