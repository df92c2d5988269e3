using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>What every client of this library does, over two workers.</summary>
public sealed class ClusterClientSuite(ClusterClientSuite.Two two) : ClientSuite, IClassFixture<ClusterClientSuite.Two>
{
    private protected override IChatClient Client => two.Workers.Client;

    public sealed class Two : IAsyncLifetime
    {
        internal TestWorkers Workers { get; private set; } = null!;

        public async Task InitializeAsync() => Workers = await TestWorkers.StartAsync(2, _ => new ScriptedEngine());

        public async Task DisposeAsync() => await Workers.DisposeAsync();
    }
}
