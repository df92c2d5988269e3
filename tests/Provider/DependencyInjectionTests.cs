using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Each registration as executable documentation, over a real tiny checkpoint.</summary>
[Collection(TorchCollection.Name)]
public sealed class DependencyInjectionTests
{
    private static string ModelFolder => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model");

    private static ChatMessage Message => new(ChatRole.User,
        [new DataContent(File.ReadAllBytes(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "images", "p0.png")), "image/png"),
            new TextContent("What is this?")]);

    [Fact]
    public async Task OneLiner_Answers()
    {
        var services = new ServiceCollection();
        services.AddD2PrunerChatClient(ModelFolder, o => o.DefaultMaxOutputTokens = 3);
        await using var provider = services.BuildServiceProvider();
        var response = await provider.GetRequiredService<IChatClient>().GetResponseAsync([Message]);
        Assert.Equal(3, response.Usage!.OutputTokenCount);
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Equal((36, 12), (response.GetPruningReport()!.VisualTokens, response.GetPruningReport()!.VisualTokensKept));
    }

    [Fact]
    public async Task KeyedClients_ShareOneModel_WithSettingsOfTheirOwn()
    {
        var services = new ServiceCollection();
        services.AddD2PrunerModel("vision", o => (o.ModelPath, o.Device) = (ModelFolder, "cpu"));
        services.AddKeyedD2PrunerChatClient("describe", o => (o.Model, o.Preset) = ("vision", PruningPreset.Understanding))
            .ConfigureOptions(c => c.MaxOutputTokens = 2);
        services.AddKeyedD2PrunerChatClient(
            "locate", o => (o.Model, o.Preset, o.DefaultMaxOutputTokens) = ("vision", PruningPreset.Localization, 2));
        await using var provider = services.BuildServiceProvider();
        var (a, b) = (provider.GetRequiredKeyedService<IChatClient>("describe"), provider.GetRequiredKeyedService<IChatClient>("locate"));
        Assert.Equal(12, (await a.GetResponseAsync([Message])).GetPruningReport()!.VisualTokensKept);
        Assert.Equal(18, (await b.GetResponseAsync([Message])).GetPruningReport()!.VisualTokensKept);
        Assert.Same(a.GetService<VisionLanguageEngine>(), b.GetService<VisionLanguageEngine>());
        Assert.Null(provider.GetService<IChatClient>());
    }

    [Fact]
    public async Task Configuration_BindsModelsAndClients()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["D2Pruner:Models:m:ModelPath"] = ModelFolder,
            ["D2Pruner:Clients:c:Model"] = "m",
            ["D2Pruner:Clients:c:Preset"] = "Understanding",
            ["D2Pruner:Clients:c:Pruning:KeepTokens"] = "5",
            ["D2Pruner:Clients:c:DefaultMaxOutputTokens"] = "1",
        }).Build();
        var services = new ServiceCollection();
        services.AddD2PrunerModel("m", configuration.GetSection("D2Pruner:Models:m"));
        services.AddKeyedD2PrunerChatClient("c", configuration.GetSection("D2Pruner:Clients:c"));
        await using var provider = services.BuildServiceProvider();
        var response = await provider.GetRequiredKeyedService<IChatClient>("c").GetResponseAsync([Message]);
        Assert.Equal(5, response.GetPruningReport()!.VisualTokensKept);
    }

    [Fact]
    public async Task InvalidOptions_StopTheHostAtItsStart_NamingTheClient()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddD2PrunerModel("default", o => o.ModelPath = ModelFolder);
        builder.Services.AddKeyedD2PrunerChatClient("vision", o => o.Pruning.KeepRatio = 7);
        using var host = builder.Build();
        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains("vision", e.Message);
        Assert.Contains("KeepRatio", e.Message);
    }

    [Fact]
    public async Task UnknownModel_IsNamed()
    {
        var services = new ServiceCollection();
        services.AddKeyedD2PrunerChatClient("c", o => o.Model = "nothing");
        await using var provider = services.BuildServiceProvider();
        var e = Assert.Throws<InvalidOperationException>(() => provider.GetRequiredKeyedService<IChatClient>("c"));
        Assert.Contains("nothing", e.Message);
    }

    [Fact]
    public async Task FailedLoad_IsTriedAgain()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("model");
        var services = new ServiceCollection();
        services.AddD2PrunerChatClient(path, o => o.DefaultMaxOutputTokens = 1);
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IChatClient>();
        await Assert.ThrowsAsync<Runtime.Checkpoints.CheckpointException>(() => client.GetResponseAsync([Message]));
        folder.Copy(ModelFolder);
        Assert.Equal(1, (await client.GetResponseAsync([Message])).Usage!.OutputTokenCount);
    }
}
