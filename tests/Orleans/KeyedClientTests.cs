using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Orleans.Workers;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>Several models in one cluster, each with a client of its own key.</summary>
public sealed class KeyedClientTests
{
    [Fact]
    public async Task AKey_IsAnsweredByItsOwnModel_AndAModelThatNobodyServesIsToldOf()
    {
        using var host = await StartAsync();
        IChatClient Client(string key) => host.Services.GetRequiredKeyedService<IChatClient>(key);

        // In turn, about the same image: its place is another one for each model.
        for (var i = 0; i < 3; i++)
        {
            foreach (var (key, model, version) in new[] { ("quick", "small", "one"), ("careful", "large", "two") })
            {
                var answer = await Client(key).GetResponseAsync([TestWorkers.Ask(1, $"question {i}")]);
                Assert.Equal(EchoEngine.Answer(version, TestWorkers.Image(1), $"question {i}"), answer.Text);
                Assert.Equal(model, Client(key).GetService<ChatClientMetadata>()!.DefaultModelId);
            }
        }

        var none = await Assert.ThrowsAsync<EngineUnavailableException>(() => Client("none").GetResponseAsync("hello"));
        Assert.Contains("'huge'", none.Message, StringComparison.Ordinal);
        Assert.Contains("'small'", none.Message, StringComparison.Ordinal);
        Assert.Contains("'large'", none.Message, StringComparison.Ordinal);
        Assert.Equal(VisionErrorKind.Unavailable, none.GetVisionErrorKind());
        Assert.Null(host.Services.GetService<IChatClient>());
        await host.StopAsync();
    }

    [Fact]
    public async Task AHistory_GoesFromOneModelToAnother_AndBack()
    {
        using var host = await StartAsync();
        var quick = host.Services.GetRequiredKeyedService<IChatClient>("quick");
        var careful = host.Services.GetRequiredKeyedService<IChatClient>("careful");
        List<ChatMessage> history = [TestWorkers.Ask(1, "first")];
        history.AddMessages(await quick.GetResponseAsync(history));
        history.Add(new ChatMessage(ChatRole.User, "second"));
        var second = await careful.GetStreamingResponseAsync(history).ToChatResponseAsync();
        Assert.Equal(EchoEngine.Answer("two", TestWorkers.Image(1), "second"), second.Text);
        history.AddMessages(second);
        history.Add(new ChatMessage(ChatRole.User, "third"));
        var third = await quick.GetResponseAsync(history);
        Assert.Equal(EchoEngine.Answer("one", TestWorkers.Image(1), "third"), third.Text);
        await host.StopAsync();
    }

    private static async Task<IHost> StartAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(Ports.Next(), Ports.Next());
            silo.Services.AddSingleton(new ServedModel("small", new LoadedModel(new EchoEngine("one"))));
            silo.Services.AddSingleton(new ServedModel("large", new LoadedModel(new EchoEngine("two"))));
            silo.AddD2PrunerWorker();
            silo.Services.ConfigureD2PrunerCluster(
                o => (o.LoadInterval, o.FailoverTimeout) = (TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)));
            silo.Services.AddKeyedD2PrunerOrleansChatClient("quick", "small");
            silo.Services.AddKeyedD2PrunerOrleansChatClient("careful", "large");
            silo.Services.AddKeyedD2PrunerOrleansChatClient("none", "huge");
        });
        var host = builder.Build();
        await host.StartAsync();
        var view = host.Services.GetRequiredService<ClusterView>();
        await TestWorkers.UntilAsync(() => view.Latest.Serving("small").Any() && view.Latest.Serving("large").Any(), "both are served");
        return host;
    }
}
