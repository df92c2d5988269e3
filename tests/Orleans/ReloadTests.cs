using D2Pruner.AI.Orleans;
using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Orleans.Workers;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>A worker's model that is loaded anew: as another version, or in vain.</summary>
public sealed class ReloadTests
{
    [Fact]
    public async Task AnotherVersion_DoesNotGoOnWithAConversationInTheOldOnesName()
    {
        var source = new ChangingSource(new EchoEngine("old"));
        using var host = await StartAsync(source);
        var view = host.Services.GetRequiredService<ClusterView>();
        await TestWorkers.UntilAsync(() => view.Latest.Serving(TestWorkers.Model).Any(), "it is served");
        var client = host.Services.GetRequiredService<IChatClient>();
        List<ChatMessage> history = [TestWorkers.Ask(1, "first")];
        var first = await client.GetResponseAsync(history);
        Assert.Equal(EchoEngine.Answer("old", TestWorkers.Image(1), "first"), first.Text);
        history.AddMessages(first);
        history.Add(new ChatMessage(ChatRole.User, "second"));

        // As after changed weights: what the worker knows is the old one, and what it gets is another.
        var other = new EchoEngine("new");
        source.Next = other;
        await Assert.ThrowsAsync<ModelReplacedException>(() => client.GetResponseAsync(history));
        Assert.Empty(other.Requests);
        history[1].AdditionalProperties!.Remove("d2pruner.fingerprint");
        Assert.Equal(EchoEngine.Answer("new", TestWorkers.Image(1), "second"), (await client.GetResponseAsync(history)).Text);
        await host.StopAsync();
    }

    /// <summary>Takes ten seconds: the time between the first two tries.</summary>
    [Fact]
    public async Task AModelThatCannotBeLoaded_IsTriedAgain_AndToldOnce()
    {
        var log = new CollectingLogger();
        using var host = await StartAsync(new FailingSource(), log);
        await TestWorkers.UntilAsync(
            () => log.Lines.Any(l => l.Contains("still cannot be loaded", StringComparison.Ordinal)), "it is tried again");
        Assert.Single(log.Lines, l => l.StartsWith("Error", StringComparison.Ordinal));
        await host.StopAsync();
    }

    private static async Task<IHost> StartAsync(IModelSource source, CollectingLogger? log = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        if (log is not null) builder.Services.AddSingleton<ILogger<WorkerService>>(new Logger<WorkerService>(log));
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(Ports.Next(), Ports.Next());
            silo.Services.AddSingleton(new ServedModel(TestWorkers.Model, source));
            silo.AddD2PrunerWorker();
            silo.Services.ConfigureD2PrunerCluster(
                o => (o.LoadInterval, o.FailoverTimeout) = (TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)));
            silo.Services.AddD2PrunerOrleansChatClient(TestWorkers.Model);
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    /// <summary>Has another engine when it is asked for it, and not before.</summary>
    private sealed class ChangingSource(IVisionEngine first) : IModelSource
    {
        private IVisionEngine _current = first;

        public IVisionEngine? Next { get; set; }

        public string ModelId => TestWorkers.Model;

        public IReadOnlyCollection<string> Names => [TestWorkers.Model];

        public string? Fingerprint => null;

        public IVisionEngine? Current => Volatile.Read(ref _current);

        public ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken)
        {
            if (Next is { } next) Volatile.Write(ref _current, next);
            return ValueTask.FromResult(Volatile.Read(ref _current));
        }
    }

    private sealed class FailingSource : IModelSource
    {
        public string ModelId => TestWorkers.Model;

        public IReadOnlyCollection<string> Names => [TestWorkers.Model];

        public string? Fingerprint => null;

        public IVisionEngine? Current => null;

        public ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken) =>
            throw new FileNotFoundException("There are no weights.");
    }
}
