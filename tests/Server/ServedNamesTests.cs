using System.Net;
using System.Text.Json;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>What models are called in requests, and which are offered. Nothing is loaded here.</summary>
public sealed class ServedNamesTests
{
    [Fact]
    public async Task AModel_IsFoundByTheIdThatNamedIt_UnlessAnotherHasIt()
    {
        await using var server = await RunningServer.StartAsync(services =>
        {
            foreach (var (name, id) in new[] { ("plain", "Owner/Tiny-1B"), ("second", "Owner/Tiny-1B@v2"), ("third", "Owner/Other@v1"),
                ("fourth", "Owner/Other@v2"), ("single", "Owner/Single@v1") })
            {
                // A model that is still to be fetched needs no folder.
                services.AddD2PrunerModel(name, o => (o.ModelPath, o.ModelId, o.DownloadIfMissing) = (id, name, true));
                services.AddKeyedD2PrunerChatClient(name, o => o.Model = name);
            }
        });
        foreach (var (asked, expected) in new[]
        {
            ("plain", "plain"), ("owner/tiny-1b", "plain"), ("Owner/Tiny-1B@main", "plain"), ("Owner/Tiny-1B@v2", "second"),
            ("Owner/Other@v2", "fourth"), ("Owner/Single@v1", "single"), ("Owner/Single", "single"),
        })
        {
            // Some clients escape the slash.
            foreach (var path in new[] { asked, Uri.EscapeDataString(asked) })
            {
                var model = JsonDocument.Parse(await server.Http.GetStringAsync($"v1/models/{path}")).RootElement;
                Assert.Equal(expected, model.GetProperty("id").GetString());
            }
        }

        foreach (var unknown in new[] { "Owner/Other", "Owner/Tiny-1B@v3", "Tiny-1B" })
            Assert.Equal(HttpStatusCode.NotFound, (await server.Http.GetAsync($"v1/models/{unknown}")).StatusCode);
    }

    [Fact]
    public async Task TwoModelsOfOnePath_HaveAStateOfTheirOwnEach()
    {
        await using var server = await RunningServer.StartAsync(
            services =>
            {
                foreach (var name in new[] { "first", "second" })
                {
                    services.AddD2PrunerModel(name, o => o.ModelPath = Repository.DemoModel);
                    services.AddKeyedD2PrunerChatClient(name, o => o.Model = name);
                }
            },
            inMemory: true);
        server.App.Services.GetRequiredKeyedService<LazyModel>("first").Dispose();
        var models = JsonDocument.Parse(await server.Http.GetStringAsync("v1/models")).RootElement.GetProperty("data");
        Assert.Equal([("first", "disposed"), ("second", "notloaded")], models.EnumerateArray().Select(m =>
            (m.GetProperty("id").GetString()!, m.GetProperty("d2pruner").GetProperty("state").GetString()!)));
    }

    [Fact]
    public async Task TheVisionToolsOwnClient_IsNotOffered()
    {
        await using var server = await RunningServer.StartAsync(
            services =>
            {
                services.AddChatClient(new ScriptedChat());
                services.AddD2PrunerVisionTools(Repository.DemoModel);
            },
            inMemory: true);
        var models = JsonDocument.Parse(await server.Http.GetStringAsync("v1/models")).RootElement.GetProperty("data");
        Assert.Equal("scripted", Assert.Single(models.EnumerateArray()).GetProperty("id").GetString());
        // There is one model, so that it need not be named.
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody())).Status);
    }

    [Fact]
    public async Task MethodsOfTheApplication_AreListed()
    {
        var known = PrunerRegistry.BuiltIn.Get("random");
        var mine = new PrunerDescription { Name = "mine", Summary = "As random.", Kind = known.Kind, Depth = known.Depth,
            Create = known.Create };
        await using var server = await RunningServer.StartAsync(
            services => services.AddD2PrunerMethod(mine).AddChatClient(new ScriptedChat()), inMemory: true);
        var model = JsonDocument.Parse(await server.Http.GetStringAsync("v1/models/scripted")).RootElement;
        var methods = model.GetProperty("d2pruner").GetProperty("methods").EnumerateArray().Select(m => m.GetString()).ToList();
        Assert.Contains("mine", methods);
        Assert.Contains("d2pruner", methods);
    }
}
