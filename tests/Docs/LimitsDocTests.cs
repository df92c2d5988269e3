using System.Globalization;
using System.Reflection;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>The limits that docs/reliability.md promises are those in force.</summary>
public sealed class LimitsDocTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "reliability.md"));

    // Names of the constants as the document has them.
    private static readonly Dictionary<string, string> Words = new(StringComparer.Ordinal)
    {
        [nameof(ConfigRange.Width)] = "width", [nameof(ConfigRange.Intermediate)] = "MLP", [nameof(ConfigRange.Layers)] = "layers",
        [nameof(ConfigRange.Heads)] = "heads", [nameof(ConfigRange.Vocabulary)] = "vocabulary",
        [nameof(ConfigRange.Positions)] = "positions", [nameof(ConfigRange.ImageSide)] = "image side",
        [nameof(ConfigRange.PatchSide)] = "patch side", [nameof(ConfigRange.Tiles)] = "tiles",
        [nameof(ConfigRange.TilePixels)] = "pixels of all tiles together", [nameof(ConfigRange.FittedSide)] = "side of a fitted square",
        [nameof(ConfigRange.Side)] = "patches per side", [nameof(ConfigRange.Merge)] = "merge", [nameof(ConfigRange.Frames)] = "frames",
        [nameof(ConfigRange.Pixels)] = "resized pixels", [nameof(ConfigRange.FewestPixels)] = "enlarged to",
    };

    public static TheoryData<string> Ranges =>
        [.. typeof(ConfigRange).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Ranges))]
    public void ARangeOfAConfiguration_IsTheDocumentedOne(string name)
    {
        var value = (int)typeof(ConfigRange).GetField(name)!.GetRawConstantValue()!;
        var row = Text.Split('\n').Single(l => l.StartsWith("| config.json |", StringComparison.Ordinal));
        Assert.Contains(row.Split('|')[2].Split(", ").Select(p => p.Trim()),
            p => p == $"{Words[name]} {value}" || p == $"{Words[name]} {value.ToString("N0", CultureInfo.InvariantCulture)}");
    }

    [Fact]
    public void LimitsOfImages_AreTheDocumentedOnes()
    {
        var limits = ImageLimits.Default;
        Assert.Contains($"| one image | {limits.MaxPixels / 1_000_000} megapixels (`MaxImagePixels`), {limits.MaxBytes >> 20} MiB", Text,
            StringComparison.Ordinal);
        Assert.Contains(
            $"| all images of a request | {limits.MaxTotalPixels / 1_000_000} megapixels, {limits.MaxTotalBytes >> 20} MiB |", Text,
            StringComparison.Ordinal);
        Assert.Contains($"at most {StrictJson.MaxDepth} deep", Text, StringComparison.Ordinal);
    }
}
