using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Xunit;

namespace D2Pruner.AI.Tests.SemanticKernel;

/// <summary>Each registration as executable documentation, over a real tiny checkpoint.</summary>
[Collection(TorchCollection.Name)]
public sealed class KernelBuilderTests
{
    private static string ModelFolder => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model");

    private static byte[] Picture => File.ReadAllBytes(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "images", "p0.png"));

    [Fact]
    public async Task APromptFunction_ShowsAPicture()
    {
        var builder = Kernel.CreateBuilder();
        builder.AddD2PrunerChatClient(ModelFolder, o => o.DefaultMaxOutputTokens = 3);
        var kernel = builder.Build();
        await using var services = (ServiceProvider)kernel.Services;
        var prompt = """<message role="user"><text>What is this?</text><image>{{$picture}}</image></message>""";
        var result = await kernel.InvokePromptAsync(
            prompt, new KernelArguments { ["picture"] = $"data:image/png;base64,{Convert.ToBase64String(Picture)}" });
        var answer = result.GetValue<ChatMessageContent>()!;
        Assert.Equal((36, 12), (answer.GetPruningReport()!.VisualTokens, answer.GetPruningReport()!.VisualTokensKept));
        Assert.Equal(3, result.GetValue<ChatResponse>()!.Usage!.OutputTokenCount);
        Assert.NotEmpty(answer.Content!);

        var pieces = 0;
        await foreach (var piece in kernel.InvokePromptStreamingAsync<StreamingChatMessageContent>(
            prompt, new KernelArguments { ["picture"] = $"data:image/png;base64,{Convert.ToBase64String(Picture)}" }))
        {
            pieces++;
            if (piece.GetPruningReport() is { } report) Assert.Equal(12, report.VisualTokensKept);
        }

        Assert.True(pieces > 1);
    }

    [Fact]
    public async Task ServiceIds_HaveSettingsOfTheirOwn_AndShareAModel()
    {
        var builder = Kernel.CreateBuilder();
        builder.AddD2PrunerChatClient(
            ModelFolder, o => (o.Preset, o.DefaultMaxOutputTokens) = (D2Pruner.AI.Pruning.PruningPreset.Understanding, 2), "describe");
        builder.AddD2PrunerChatClient(
            ModelFolder, o => (o.Preset, o.DefaultMaxOutputTokens) = (D2Pruner.AI.Pruning.PruningPreset.Localization, 2), "locate");
        var kernel = builder.Build();
        await using var services = (ServiceProvider)kernel.Services;
        foreach (var (id, kept) in new[] { ("describe", 12), ("locate", 18) })
        {
            var history = new ChatHistory();
            history.AddUserMessage([new Microsoft.SemanticKernel.TextContent("What is this?"), new ImageContent(Picture, "image/png")]);
            var service = kernel.GetRequiredService<IChatClient>(id).AsChatCompletionService(kernel.Services);
            Assert.Equal(kept, (await service.GetChatMessageContentAsync(history, kernel: kernel)).GetPruningReport()!.VisualTokensKept);
        }

        Assert.Same(kernel.GetRequiredService<IChatClient>("describe").GetService<VisionLanguageEngine>(),
            kernel.GetRequiredService<IChatClient>("locate").GetService<VisionLanguageEngine>());
        Assert.Null(kernel.Services.GetService<IChatClient>());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("eyes")]
    public async Task OldCode_AsksForAChatCompletionService(string? serviceId)
    {
        var builder = Kernel.CreateBuilder();
        builder.AddD2PrunerChatCompletion(ModelFolder, o => o.DefaultMaxOutputTokens = 3, serviceId);
        var kernel = builder.Build();
        await using var services = (ServiceProvider)kernel.Services;
        var history = new ChatHistory();
        history.AddUserMessage([new Microsoft.SemanticKernel.TextContent("What is this?"), new ImageContent(Picture, "image/png")]);
        var chat = kernel.GetRequiredService<IChatCompletionService>(serviceId);
        var answer = await chat.GetChatMessageContentAsync(history, kernel: kernel);
        Assert.Equal(12, answer.GetPruningReport()!.VisualTokensKept);
        var pieces = 0;
        await foreach (var piece in chat.GetStreamingChatMessageContentsAsync(history, kernel: kernel)) pieces++;
        Assert.True(pieces > 1);
        Assert.NotNull(kernel.GetRequiredService<IChatClient>(serviceId).GetService<VisionLanguageEngine>());
    }

    [Fact]
    public async Task ParameterlessFunctions_AreOfferedToAStrictClient()
    {
        // Semantic Kernel writes a function's description into its schema under a name of its own.
        var builder = Kernel.CreateBuilder();
        builder.AddD2PrunerChatClient(
            Path.Combine(FixtureFolders.Copies!, "qwen2.5-vl-flat", "model"), o => (o.DefaultMaxOutputTokens, o.StrictOptions) = (3, true));
        builder.Plugins.AddFromFunctions("Clock", [KernelFunctionFactory.CreateFromMethod(() => 12, "hour", "The hour of the day.")]);
        var kernel = builder.Build();
        await using var services = (ServiceProvider)kernel.Services;
        Assert.Contains("condition", kernel.Plugins.GetFunction("Clock", "hour").JsonSchema.GetRawText());
        var settings = new PromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(autoInvoke: false) };
        Assert.NotNull(await kernel.InvokePromptAsync("What time is it?", new KernelArguments(settings)));
    }

    [Fact]
    public async Task ThePlugin_LooksWithTheRealModel()
    {
        var images = new VisionImages();
        images.Add(Picture, "p0");
        var builder = Kernel.CreateBuilder();
        builder.AddD2PrunerChatClient(ModelFolder, o => o.DefaultMaxOutputTokens = 3);
        builder.Plugins.AddVision(images);
        var kernel = builder.Build();
        await using var services = (ServiceProvider)kernel.Services;
        var result = await kernel.InvokeAsync(
            "Vision", "ask_image", new KernelArguments { ["image"] = "p0", ["question"] = "What is this?" });
        Assert.Contains("""
            "image":"p0","answer":
            """, result.GetValue<string>());
    }

    [Fact]
    public void BadArguments_AreRefused()
    {
        var builder = Kernel.CreateBuilder();
        Assert.Throws<ArgumentException>(() => builder.AddD2PrunerChatClient(" "));
        Assert.Throws<ArgumentNullException>(() => ((IKernelBuilder)null!).AddD2PrunerChatClient("x"));
        Assert.Throws<ArgumentNullException>(() => builder.Plugins.AddVision(null!));
    }
}
