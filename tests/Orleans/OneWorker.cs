using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>A worker that many tests share, one after another.</summary>
public sealed class OneWorker : IAsyncLifetime
{
    internal TestWorkers Workers { get; private set; } = null!;

    internal EchoEngine Engine => Workers.Engines[0];

    public async Task InitializeAsync() => Workers = await TestWorkers.StartAsync(1, _ => new EchoEngine());

    public async Task DisposeAsync() => await Workers.DisposeAsync();
}
