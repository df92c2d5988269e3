using D2Pruner.AI.Orleans;
using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>Two versions of a model under one name are never mixed in a conversation.</summary>
public sealed class VersionTests
{
    [Fact]
    public async Task AConversation_GoesOnWithTheVersionThatBeganIt()
    {
        await using var workers = await TestWorkers.StartAsync(4, i => new EchoEngine(i % 2 == 0 ? "old" : "new"));
        var begun = new HashSet<string>();
        for (var i = 0; i < 24; i++)
        {
            List<ChatMessage> history = [TestWorkers.Ask(i, "first")];
            var response = await workers.Client.GetResponseAsync(history);
            var version = response.Text.Split(':')[0];
            begun.Add(version);
            for (var turn = 0; turn < 3; turn++)
            {
                history.AddMessages(response);
                history.Add(new ChatMessage(ChatRole.User, $"turn {turn}"));
                response = turn % 2 == 0 ? await workers.Client.GetResponseAsync(history)
                    : await workers.Client.GetStreamingResponseAsync(history).ToChatResponseAsync();
                Assert.Equal(EchoEngine.Answer(version, TestWorkers.Image(i), $"turn {turn}"), response.Text);
            }
        }

        Assert.Equal(2, begun.Count);
    }

    [Fact]
    public async Task AVersionThatIsGone_IsToldOf_AndTheHistoryMayBeHandedOver()
    {
        await using var workers = await TestWorkers.StartAsync(
            1, _ => new EchoEngine("old"), o => o.FailoverTimeout = TimeSpan.FromSeconds(3));
        List<ChatMessage> history = [TestWorkers.Ask(1, "first")];
        history.AddMessages(await workers.Client.GetResponseAsync(history));
        history.Add(new ChatMessage(ChatRole.User, "second"));
        var old = workers.Cluster.Silos[0];
        await workers.AddAsync(_ => new EchoEngine("new"));
        await workers.Cluster.StopSiloAsync(old);
        var replaced = await Assert.ThrowsAsync<ModelReplacedException>(() => workers.Client.GetResponseAsync(history));
        Assert.Equal(VisionErrorKind.InvalidRequest, replaced.GetVisionErrorKind());
        Assert.Equal(TestWorkers.Model, replaced.Model);
        // What a server asks to tell whether it is ready.
        await TestWorkers.UntilAsync(
            () => workers.Client.GetService<IVisionEngine>()?.GetStatus().State == EngineState.Ready, "the new version is seen");
        history[1].AdditionalProperties!.Remove("d2pruner.fingerprint");
        Assert.Equal(
            EchoEngine.Answer("new", TestWorkers.Image(1), "second"), (await workers.Client.GetResponseAsync(history)).Text);
    }

    [Fact]
    public async Task AClientThatIsNotAsked_LearnsFromItsStatus_WhatIsServedNow()
    {
        await using var workers = await TestWorkers.StartAsync(1, _ => new EchoEngine("old"));
        await workers.Client.GetResponseAsync([TestWorkers.Ask(1, "question")]);
        var engine = workers.Client.GetService<IVisionEngine>()!;
        var view = workers.Cluster.Client.ServiceProvider.GetRequiredService<ClusterView>();
        var before = Assert.Single(view.Latest.Versions(TestWorkers.Model));
        var old = workers.Cluster.Silos[0];
        await workers.AddAsync(_ => new EchoEngine("new"));
        await workers.Cluster.StopSiloAsync(old);
        await TestWorkers.UntilAsync(
            () => engine.GetStatus().State == EngineState.Ready && view.Latest.Versions(TestWorkers.Model) is [var now] && now != before,
            "the new version is seen without a request");
    }

    [Fact]
    public async Task ACacheOfSeveralProcesses_GivesNoAnswerOfAVersionThatIsGone()
    {
        await using var workers = await TestWorkers.StartAsync(1, _ => new EchoEngine("old"));
        var cache = new MemoryCache();
        List<ChatMessage> question = [TestWorkers.Ask(1, "question")];
        await using (var first = Process(workers, cache))
        {
            var answer = await first.GetRequiredService<IChatClient>().GetResponseAsync(question);
            Assert.Equal(EchoEngine.Answer("old", TestWorkers.Image(1), "question"), answer.Text);
        }

        var old = workers.Cluster.Silos[0];
        await workers.AddAsync(_ => new EchoEngine("new"));
        await workers.Cluster.StopSiloAsync(old);
        await using var second = Process(workers, cache);
        var client = second.GetRequiredService<IChatClient>();
        var asked = 0;
        for (var i = 0; i < 3; i++)
        {
            asked = TestWorkers.EngineOf(workers.Cluster.Silos[^1]).Requests.Count;
            var answer = await client.GetResponseAsync(question);
            Assert.Equal(EchoEngine.Answer("new", TestWorkers.Image(1), "question"), answer.Text);
        }

        // With the version known, the second one was kept.
        Assert.Equal(asked, TestWorkers.EngineOf(workers.Cluster.Silos[^1]).Requests.Count);
    }

    [Fact]
    public async Task ARollingUpdate_LosesNothing_AndMixesNothing()
    {
        await using var workers = await TestWorkers.StartAsync(
            2, _ => new EchoEngine("old") { Step = TimeSpan.FromMilliseconds(5) }, o => o.FailoverTimeout = TimeSpan.FromSeconds(10),
            farewell: TimeSpan.FromSeconds(5)); // Orleans' own
        using var end = new CancellationTokenSource();
        var versions = new HashSet<string>();
        var conversations = Enumerable.Range(0, 4).Select(async caller =>
        {
            var (done, cut) = (0, 0);
            for (var i = 0; !end.IsCancellationRequested; i++)
            {
                var image = caller * 1000 + i;
                List<ChatMessage> history = [TestWorkers.Ask(image, "first")];
                var response = await workers.Client.GetResponseAsync(history);
                var version = response.Text.Split(':')[0];
                lock (versions) versions.Add(version);
                Assert.Equal(EchoEngine.Answer(version, TestWorkers.Image(image), "first"), response.Text);
                history.AddMessages(response);
                history.Add(new ChatMessage(ChatRole.User, "second"));
                try
                {
                    response = await workers.Client.GetResponseAsync(history);
                    Assert.Equal(EchoEngine.Answer(version, TestWorkers.Image(image), "second"), response.Text);
                    done++;
                }
                catch (ModelReplacedException)
                {
                    // Only in the moment when the last old worker has gone.
                    Assert.Equal("old", version);
                    cut++;
                }
            }

            return (Done: done, Cut: cut);
        }).ToList();
        var old = workers.Cluster.Silos.ToList();
        foreach (var silo in old)
        {
            await workers.AddAsync(_ => new EchoEngine("new") { Step = TimeSpan.FromMilliseconds(5) });
            await workers.Cluster.StopSiloAsync(silo);
        }

        await Task.Delay(200);
        await end.CancelAsync();
        var results = await Task.WhenAll(conversations);
        Assert.Equal(2, versions.Count);
        Assert.True(results.Sum(r => r.Done) > 10);
        Assert.True(results.Sum(r => r.Cut) <= 4, "more conversations were cut than were open when the last old worker went");
    }

    // What a process that has asked nothing yet has.
    private static ServiceProvider Process(TestWorkers workers, IDistributedCache cache)
    {
        var services = new ServiceCollection();
        services.AddSingleton(workers.Cluster.Client.ServiceProvider.GetRequiredService<IGrainFactory>());
        services.ConfigureD2PrunerCluster(o => o.LoadInterval = TimeSpan.FromMilliseconds(50));
        services.AddD2PrunerOrleansChatClient(TestWorkers.Model).UseD2PrunerDistributedCache(cache);
        return services.BuildServiceProvider();
    }
}
