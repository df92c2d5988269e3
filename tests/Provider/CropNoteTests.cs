using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using SkiaSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>LLaVA-1.5's own processor cuts off borders; who asks for places is told, in every report and once in the log.</summary>
[Collection(TorchCollection.Name)]
public sealed class CropNoteTests
{
    private const string Places = "Where is the cat?";

    [Fact]
    public async Task PlacesInACroppedImage_AreWarnedOf_InEachReport_AndOnceInTheLog()
    {
        var log = new CollectingLogger();
        await using var engine = await LoadAsync(ImageFit.FromProcessor);
        using var client = engine.AsIChatClient(loggerFactory: log);
        for (var i = 0; i < 2; i++)
        {
            var report = await AskAsync(client, Places, 200, 100);
            Assert.Equal(PruningPreset.Localization, report.Preset);
            Assert.Contains("image 0 (200x100) the model saw only x 50 to 150, y 0 to 100", report.PresetReason, StringComparison.Ordinal);
        }

        Assert.Contains("saw only x 0 to 100, y 50 to 150", (await AskAsync(client, Places, 100, 200)).PresetReason,
            StringComparison.Ordinal);
        Assert.Single(log.Entries, e => e.Level == LogLevel.Warning && e.Text.Contains("ImageFit", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ImageFit.FromProcessor, "Describe it.", 200, 100)]
    [InlineData(ImageFit.FromProcessor, Places, 100, 100)]
    [InlineData(ImageFit.FromProcessor, Places, 100, 96)]
    [InlineData(ImageFit.Pad, Places, 200, 100)]
    public async Task NothingIsSaid_WhereNoBoxCanBeMissed(ImageFit fit, string question, int width, int height)
    {
        var log = new CollectingLogger();
        await using var engine = await LoadAsync(fit);
        using var client = engine.AsIChatClient(loggerFactory: log);
        Assert.DoesNotContain("saw only", (await AskAsync(client, question, width, height)).PresetReason, StringComparison.Ordinal);
        Assert.DoesNotContain(log.Entries, e => e.Text.Contains("ImageFit", StringComparison.Ordinal));
    }

    private static Task<VisionLanguageEngine> LoadAsync(ImageFit fit) => VisionLanguageEngine.LoadAsync(new VisionModelOptions
    {
        ModelPath = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"), Device = "cpu", ImageFit = fit,
    });

    private static async Task<PruningReport> AskAsync(IChatClient client, string question, int width, int height)
    {
        var image = new DataContent(TinyPng.Draw(SKColors.Red, width, height), "image/png");
        var message = new ChatMessage(ChatRole.User, [image, new TextContent(question)]);
        return (await client.GetResponseAsync([message], new ChatOptions { MaxOutputTokens = 1 })).GetPruningReport()!;
    }
}
