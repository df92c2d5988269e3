using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Xunit;

namespace D2Pruner.AI.Tests.Decoder;

/// <summary>vision_feature_select_strategy "full": the CLS token stands before the grid and is never pruned.</summary>
[Collection(TorchCollection.Name)]
public sealed class FullFeatureStrategyTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ClsToken_TakesAPlace_AndIsNeverPruned(bool prune)
    {
        var fixture = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(fixture, "model"));
        var path = Path.Combine(model, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        config["vision_feature_select_strategy"] = "full";
        File.WriteAllText(path, config.ToJsonString());
        await using var engine = await VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = model, Device = "cpu" });
        GenerationResult? result = null;
        await foreach (var e in engine.GenerateAsync(new VisionRequest
        {
            Turns = [new ChatTurn("user",
                [new ImagePart(File.ReadAllBytes(Path.Combine(fixture, "images", "p0.png"))), new TextPart("What is this?")])],
            Generation = new GenerationSettings { MaxNewTokens = 2 },
            Pruning = prune ? new PruningSettings() : null,
        }))
        {
            if (e is GenerationCompleted c) result = c.Result;
        }

        var image = Assert.Single(result!.Prefill.Images);
        Assert.Equal(36, image.VisualTokens);
        var cls = Assert.Single(image.Layout.Separators);
        Assert.Equal(image.Layout.Positions[0] - 1, cls);
        Assert.Equal(result.Prefill.PromptTokens - (prune ? 24 : 0), result.Prefill.PromptTokensKept);
    }
}
