using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Warm-up, health, start-up checks and shutdown, each as an application registers it.</summary>
[Collection(TorchCollection.Name)]
public sealed class HostingTests
{
    private static string ModelFolder => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model");

    [Fact]
    public async Task Health_FollowsTheModel_AndLoadsNothing()
    {
        using var folder = new TemporaryFolder();
        var services = new ServiceCollection().AddLogging();
        services.AddD2PrunerModel("good", o => (o.ModelPath, o.Device) = (ModelFolder, "cpu"));
        services.AddD2PrunerModel("bad", o => o.ModelPath = folder.File("nothing"));
        services.AddKeyedD2PrunerChatClient("good", o => (o.Model, o.DefaultMaxOutputTokens) = ("good", 1));
        services.AddKeyedD2PrunerChatClient("bad", o => o.Model = "bad");
        services.AddHealthChecks().AddD2Pruner("good", "ready").AddD2Pruner("bad");
        await using var provider = services.BuildServiceProvider();
        var health = provider.GetRequiredService<HealthCheckService>();
        var before = await health.CheckHealthAsync();
        Assert.All(before.Entries.Values, e => Assert.Equal((HealthStatus.Degraded, "NotLoaded"), (e.Status, e.Data["state"])));
        await provider.GetRequiredKeyedService<IChatClient>("good").GetResponseAsync("Hello?");
        await Assert.ThrowsAsync<Runtime.Checkpoints.CheckpointException>(
            () => provider.GetRequiredKeyedService<IChatClient>("bad").GetResponseAsync("Hello?"));
        var after = await health.CheckHealthAsync();
        Assert.Equal(HealthStatus.Healthy, after.Entries["d2pruner:good"].Status);
        Assert.True((long)after.Entries["d2pruner:good"].Data["weight_bytes"] > 0);
        Assert.Contains("ready", after.Entries["d2pruner:good"].Tags);
        Assert.Equal(HealthStatus.Unhealthy, after.Entries["d2pruner:bad"].Status);
    }

    [Fact]
    public async Task WarmUp_LoadsInTheBackground_ReportsProgress_AndStoppingEndsTheEngine()
    {
        var progress = new Progress();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<IProgress<ModelLoadProgress>>(progress);
        builder.Services.AddD2PrunerChatClient(ModelFolder);
        builder.Services.AddD2PrunerWarmup();
        using var host = builder.Build();
        await host.StartAsync();
        var model = host.Services.GetRequiredKeyedService<LazyModel>("default");
        for (var i = 0; i < 1000 && model.GetStatus().VisionRuns == 0; i++) await Task.Delay(20);
        Assert.True(model.GetStatus().VisionRuns > 0);
        Assert.True(progress.Reports > 0);
        await host.StopAsync();
        Assert.Equal(EngineState.Disposed, model.GetStatus().State);
    }

    [Fact]
    public async Task AFolderThatIsNoModel_StopsTheHostAtItsStart_NamingTheModel()
    {
        using var folder = new TemporaryFolder();
        foreach (var (write, says) in new[] { ((string?)null, "config.json"), ("""{"model_type":"gpt2"}""", "gpt2"),
            ("{", "not valid JSON") })
        {
            if (write is not null) File.WriteAllText(folder.File("config.json"), write);
            var builder = Host.CreateEmptyApplicationBuilder(null);
            builder.Services.AddD2PrunerModel("vision", o => o.ModelPath = folder.Path);
            using var host = builder.Build();
            var e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
            Assert.Contains("vision", e.Message);
            Assert.Contains(says, e.Message);
        }
    }

    [Theory]
    [InlineData("Device", "tpu")]
    [InlineData("QueueCapacity", "0")]
    [InlineData("MaxContextTokens", "3")]
    [InlineData("VisionCacheBytes", "-1")]
    [InlineData("ModelPath", "")]
    public async Task ImpossibleModelOptions_StopTheHostAtItsStart(string key, string value)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["m:ModelPath"] = ModelFolder, ["m:" + key] = value }).Build();
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddD2PrunerModel("vision", configuration.GetSection("m"));
        using var host = builder.Build();
        Assert.Contains(key, (await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync())).Message);
    }

    [Fact]
    public void ClientWithoutAModelName_TakesTheOnlyOne_AndSeveralMustBeNamed()
    {
        var services = new ServiceCollection();
        services.AddD2PrunerModel("only", o => (o.ModelPath, o.ModelId) = (ModelFolder, "mine"));
        services.AddD2PrunerChatClient();
        using (var provider = services.BuildServiceProvider())
            Assert.Equal("mine", provider.GetRequiredService<IChatClient>().GetService<ChatClientMetadata>()!.DefaultModelId);
        services.AddD2PrunerModel("other", o => o.ModelPath = ModelFolder);
        using (var provider = services.BuildServiceProvider())
            Assert.Contains("only, other",
                Assert.Throws<InvalidOperationException>(() => provider.GetRequiredService<IChatClient>()).Message);
    }

    [Fact]
    public async Task TheResolver_IsConfigured_AndUsedByClients()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("a.png"), TinyPng.Bytes);
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["D2Pruner:Images:AllowedRoots:0"] = folder.Path }).Build();
        var services = new ServiceCollection();
        services.AddD2PrunerChatClient(ModelFolder, o => o.DefaultMaxOutputTokens = 1);
        services.AddD2PrunerImageResolver(configuration.GetSection("D2Pruner:Images"));
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IChatClient>();
        var response = await client.GetResponseAsync(
            [new ChatMessage(ChatRole.User, [new UriContent($"file://{folder.File("a.png")}", "image/*"), new TextContent("?")])]);
        Assert.Equal((64, 48), (response.GetPruningReport()!.Images[0].Width, response.GetPruningReport()!.Images[0].Height));
    }

    private sealed class Progress : IProgress<ModelLoadProgress>
    {
        private int _reports;

        public int Reports => Volatile.Read(ref _reports);

        public void Report(ModelLoadProgress value) => Interlocked.Increment(ref _reports);
    }
}
