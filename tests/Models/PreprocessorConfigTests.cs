using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>The forms of <c>size</c> and <c>crop_size</c> of the CLIP-style processors.</summary>
public sealed class PreprocessorConfigTests
{
    private const int Width = 300;
    private const int Height = 200;

    [Theory]
    [InlineData("""{"height": 56, "width": 56}""")]
    [InlineData("56")]
    public void LlavaNext_SizeInAnyForm_IsTheTiles(string size)
    {
        using var folder = new TemporaryFolder();
        var expected = Read(Model("llava-next-vicuna")).Process(Image());
        Assert.Equal(expected.Pixels, Read(Changed(folder, "llava-next-vicuna", "size", size)).Process(Image()).Pixels);
    }

    // The reference resizes every tile to size and cuts it again.
    [Theory]
    [InlineData("size", """{"height": 84, "width": 84}""", "size is 84 x 84 (height x width) and crop_size 56")]
    [InlineData("size", """{"height": 84, "width": 56}""", "size is 84 x 56 (height x width) and crop_size 56")]
    [InlineData("size", """{"shortest_edge": 84}""", "size is 84 x 84 (height x width) and crop_size 56")]
    [InlineData("size", "48", "size is 48 x 48 (height x width) and crop_size 56")]
    [InlineData("size", """{"longest_edge": 56}""", "size: expected shortest_edge, or height and width")]
    [InlineData("size", """{"height": 56}""", "size: expected shortest_edge, or height and width")]
    [InlineData("crop_size", """{"height": 56, "width": 42}""", "crop_size: height and width differ")]
    [InlineData("crop_size", """{"shortest_edge": 56}""", "crop_size: expected height and width")]
    public void LlavaNext_OtherSizes_AreRefusedByName(string key, string value, string named)
    {
        using var folder = new TemporaryFolder();
        var model = Changed(folder, "llava-next-vicuna", key, value);
        Assert.Contains(named, Assert.Throws<CheckpointException>(() => Read(model)).Message, StringComparison.Ordinal);
    }

    // CLIP's resize keeps the shape by shortest_edge only: height and width are both sides, whatever the image's are.
    [Fact]
    public void Llava_HeightAndWidth_AreBothSides()
    {
        using var folder = new TemporaryFolder();
        var processor = Read(Changed(folder, "llava-1.5-a", "size", """{"height": 84, "width": 84}"""));
        var image = Image();
        Assert.Equal(PillowResizer.Bicubic(image.Rgb, Width, Height, 84, 84), processor.Process(image).Resized);
        var last = processor.Plan(Width, Height).Map.Cell(0, 5, 5); // of 6 x 6: the whole image is seen
        Assert.Equal(250, last.Left, 6);
        Assert.Equal(Width, last.Right, 6);
        Assert.Equal(Height, last.Bottom, 6);
    }

    [Fact]
    public void Llava_HeightAndWidthApartFromTheCrop_AreCutAndFilledUp()
    {
        using var folder = new TemporaryFolder();
        var processor = Read(Changed(folder, "llava-1.5-a", "size", """{"height": 60, "width": 100}"""));
        var image = Image();
        var (whole, part) = (PillowResizer.Bicubic(image.Rgb, Width, Height, 100, 60), processor.Process(image).Resized);
        for (var y = 0; y < 84; y++)
        {
            for (var x = 0; x < 84; x++)
                Assert.Equal(y is >= 12 and < 72 ? whole[((y - 12) * 100 + x + 8) * 3] : (byte)0, part[(y * 84 + x) * 3]);
        }
    }

    private static string Changed(TemporaryFolder folder, string fixture, string key, string value)
    {
        var model = folder.Copy(Model(fixture), f => f.EndsWith(".json", StringComparison.Ordinal));
        var path = Path.Combine(model, "preprocessor_config.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());
        return model;
    }

    private static string Model(string fixture) => Path.Combine(FixtureFolders.Copies!, fixture, "model");

    private static IImageProcessor Read(string model) =>
        ModelFamilies.Read(CheckpointFolder.Open(model)).ImageProcessor(ImageFit.FromProcessor);

    private static DecodedImage Image()
    {
        var rgb = new byte[Width * Height * 3];
        for (var i = 0; i < rgb.Length; i++) rgb[i] = (byte)(i * 31 / 7);
        return new DecodedImage(Width, Height, rgb);
    }
}
