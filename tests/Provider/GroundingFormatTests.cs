using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.InternVL;
using D2Pruner.AI.Runtime.Models.Qwen25VL;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Each family's own way to write a box, back to pixels of the original picture.</summary>
public sealed class GroundingFormatTests
{
    [Fact]
    public void InternVL_WritesThousandthsOfTheOriginal()
    {
        var plan = new InternVLImageProcessor(new InternVLImageOptions()).Plan(1000, 500);
        var region = Assert.Single(GroundingReader.Read("<ref>the dog</ref><box>[[100, 200, 300, 800]]</box>", [Image(plan)]).Regions);
        Assert.Equal("the dog", region.Label);
        AssertBox(region, 0.1f, 0.2f, 0.3f, 0.8f);
        // Special tokens are skipped in ordinary answers: the brackets are what remains.
        AssertBox(Assert.Single(GroundingReader.Read("[[100, 200, 300, 800]]", [Image(plan)]).Regions), 0.1f, 0.2f, 0.3f, 0.8f);
    }

    [Fact]
    public void InternVL_GivesSeveralBoxesOneLabel()
    {
        var plan = new InternVLImageProcessor(new InternVLImageOptions()).Plan(1000, 500);
        const string text =
            "<ref>a cup</ref><box>[[100, 200, 300, 800], [400, 200, 500, 300],[600, 200, 700, 300]]</box> [1, 2, 3, 4] " +
            "<ref>a dog</ref><box>[[0, 0, 10, 10]]</box>";
        Assert.Equal(["a cup", "a cup", "a cup", null, "a dog"],
            GroundingReader.Read(text, [Image(plan)]).Regions.Select(r => r.Label));
    }

    /// <summary>Numbers that sum to less than 4 are fractions, as InternVL's own script has it.</summary>
    [Fact]
    public void InternVL_MayWriteFractions()
    {
        var plan = new InternVLImageProcessor(new InternVLImageOptions()).Plan(1000, 500);
        AssertBox(Assert.Single(GroundingReader.Read("[[0.1, 0.2, 0.3, 0.8]]", [Image(plan)]).Regions), 0.1f, 0.2f, 0.3f, 0.8f);
    }

    [Fact]
    public void Qwen_WritesPixelsOfTheResizedPicture()
    {
        var plan = new Qwen2VLImageProcessor(new Qwen2VLImageOptions()).Plan(1000, 500);
        var (width, height) = (plan.Grids[0].Columns * 28, plan.Grids[0].Rows * 28);
        var text = $$"""```json [{"bbox_2d": [{{width / 4}}, 0, {{width / 2}}, {{height / 2}}], "label": "cup"}]```""";
        var region = Assert.Single(GroundingReader.Read(text, [Image(plan)]).Regions);
        Assert.Equal("cup", region.Label);
        AssertBox(region, 0.25f, 0, 0.5f, 0.5f);
    }

    [Theory]
    [InlineData("caf\\u00e9 \\\"Le Coin\\\"", "café \"Le Coin\"")]
    [InlineData("a\\/b", "a/b")]
    [InlineData("half \\ud83d", "half \\ud83d")]
    [InlineData("no \\escape", "no \\escape")]
    public void Qwen_LabelsAreJsonTexts(string written, string label)
    {
        var plan = new Qwen2VLImageProcessor(new Qwen2VLImageOptions()).Plan(1000, 500);
        var text = $$"""[{"bbox_2d": [0, 0, 50, 50], "label": "{{written}}"}]""";
        Assert.Equal(label, Assert.Single(GroundingReader.Read(text, [Image(plan)]).Regions).Label);
    }

    [Fact]
    public void Llava_WritesSharesOfThePaddedSquare()
    {
        var plan = new LlavaImageProcessor(new LlavaImageOptions { PadToSquare = true }).Plan(400, 200);
        // The picture fills the middle half of the square's height.
        AssertBox(Assert.Single(GroundingReader.Read("[0.25, 0.25, 0.5, 0.75]", [Image(plan)]).Regions), 0.25f, 0, 0.5f, 1);
    }

    [Fact]
    public void Llava_WritesSharesOfTheCroppedSquare()
    {
        var plan = new LlavaImageProcessor(new LlavaImageOptions()).Plan(400, 200);
        // The crop is the middle half of the picture's width.
        AssertBox(Assert.Single(GroundingReader.Read("[0, 0, 1, 1]", [Image(plan)]).Regions), 0.25f, 0, 0.75f, 1);
    }

    private static void AssertBox(GroundedRegion region, float left, float top, float right, float bottom)
    {
        foreach (var (expected, actual) in new[] { (left, region.Box.Left), (top, region.Box.Top), (right, region.Box.Right),
            (bottom, region.Box.Bottom) }) Assert.Equal(expected, actual, 2);
    }

    private static ImagePruning Image(ImagePlan plan) => new()
    {
        ImageIndex = 0,
        VisualTokens = plan.TokenCount,
        Kept = [],
        Layout = new VisualTokenLayout(
            [.. plan.Grids.Select(g => new GridComponent(g.Name, g.Rows, g.Columns, g.Offsets))], plan.SeparatorOffsets),
        Map = plan.Map,
        Width = plan.OriginalWidth,
        Height = plan.OriginalHeight,
    };
}
