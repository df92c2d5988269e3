using System.Net;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>Live, ready, and the end.</summary>
public sealed class HealthTests
{
    [Fact]
    public async Task Ready_FollowsTheEngine_AndSaysWhyNot()
    {
        var engine = new StatefulEngine();
        using var client = new D2PrunerChatClient(engine);
        await using var server = await RunningServer.StartAsync(client, inMemory: true);
        foreach (var (state, status, says) in new[] { (EngineState.Loading, 503, "loading"),
            (EngineState.Faulted, 503, "could not be loaded"), (EngineState.Stopping, 503, "stopping"), (EngineState.Ready, 200, "ready") })
        {
            engine.State = state;
            var response = await server.Http.GetAsync("health/ready");
            Assert.Equal(status, (int)response.StatusCode);
            Assert.Contains(says, await response.Content.ReadAsStringAsync());
            Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("health/live")).StatusCode);
        }

        engine.State = EngineState.Loading;
        var (loading, json, http) = await server.ChatAsync(RunningServer.ChatBody());
        Assert.Equal((503, "model_loading"), ((int)loading, json.GetProperty("error").GetProperty("code").GetString()));
        Assert.True(http.Headers.Contains("Retry-After"));
    }

    [Fact]
    public async Task AModelThatIsNotLoaded_IsNotReady()
    {
        await using var server = await RunningServer.StartAsync(
            services => services.AddD2PrunerChatClient(Repository.DemoModel), inMemory: true);
        var response = await server.Http.GetAsync("health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains("demo-llava", text);
        Assert.Contains("not loaded", text);
        // Its name and state are known all the same.
        var model = JsonDocument.Parse(await server.Http.GetStringAsync("v1/models/demo-llava")).RootElement.GetProperty("d2pruner");
        Assert.Equal(("notloaded", JsonValueKind.Null), (model.GetProperty("state").GetString(), model.GetProperty("context").ValueKind));
    }

    [Fact]
    public async Task Stopping_TakesReadinessFirst_FinishesAnswers_AndTakesNoMore()
    {
        var client = new ScriptedChat { Delay = TimeSpan.FromMilliseconds(250) };
        var server = await RunningServer.StartAsync(client);
        await using var _ = server;
        var running = server.ChatAsync(RunningServer.ChatBody());
        while (client.Calls == 0) await Task.Delay(5);
        var stop = server.App.StopAsync();
        for (var i = 0; (await server.Http.GetAsync("health/ready")).IsSuccessStatusCode; i++)
        {
            Assert.True(i < 100, "still ready");
            await Task.Delay(2);
        }

        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("health/live")).StatusCode);
        var (refused, json, _) = await server.ChatAsync(RunningServer.ChatBody());
        Assert.Equal((503, "stopping"), ((int)refused, json.GetProperty("error").GetProperty("code").GetString()));
        var (status, answer, _) = await running;
        Assert.Equal((HttpStatusCode.OK, "It is a cat."),
            (status, answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()));
        await stop;
        await Assert.ThrowsAsync<HttpRequestException>(() => server.Http.GetAsync("health/live"));
    }

    [Fact]
    public async Task AfterTheDrainTime_AnswersAreCancelled_WithAWord()
    {
        var client = new ScriptedChat { Delay = TimeSpan.FromSeconds(1), Pieces = [.. Enumerable.Repeat("x", 100)] };
        var server = await RunningServer.StartAsync(client, o => o.DrainSeconds = 0);
        await using var _ = server;
        var stream = server.StreamAsync(RunningServer.ChatBody("\"stream\":true"));
        var whole = server.ChatAsync(RunningServer.ChatBody());
        while (client.Calls < 2) await Task.Delay(5);
        await Task.Delay(1200); // the stream has begun
        await server.App.StopAsync();
        Assert.Equal("stopping", JsonDocument.Parse((await stream)[^1]).RootElement.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(503, (int)(await whole).Status);
        Assert.Equal(2, client.Cancelled);
    }
}
