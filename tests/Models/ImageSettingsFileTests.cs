using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>What is wrong in a model's image settings is told with the file in which they stand.</summary>
public sealed class ImageSettingsFileTests
{
    [Theory]
    [InlineData("llava-1.5-a")]
    [InlineData("llava-next-vicuna")]
    [InlineData("qwen2.5-vl-nested")]
    [InlineData("internvl-hf")]
    [InlineData("internvl-qwen2")]
    public void Problems_NameTheFile(string fixture)
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(FixtureFolders.Copies!, fixture, "model"), f => f is "config.json");
        File.WriteAllText(Path.Combine(model, "preprocessor_config.json"), """{"image_std": 1}""");
        Assert.Contains("preprocessor_config.json: image_std", Problem(model), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(model, "processor_config.json"), """{"image_processor": {"image_std": 2}}""");
        Assert.Contains("processor_config.json:image_processor: image_std", Problem(model), StringComparison.Ordinal);
    }

    private static string Problem(string model) =>
        Assert.Throws<CheckpointException>(() => ModelFamilies.Read(CheckpointFolder.Open(model))).Message;
}
