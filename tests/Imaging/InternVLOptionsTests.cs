using D2Pruner.AI.Runtime.Models.InternVL;
using System.Text.Json;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

public sealed class InternVLOptionsTests
{
    [Fact]
    public void Remote_ReadsTilingFromConfig()
    {
        var o = Read("""{"model_type":"internvl_chat","force_image_size":112,"dynamic_image_size":true,"max_dynamic_patch":5,"use_thumbnail":true,"vision_config":{"image_size":112,"patch_size":14}}""", "{}", out var problems);
        Assert.Empty(problems);
        Assert.Equal((112, 14, 4, 1, 5, true), (o.ImageSize, o.PatchSize, o.TileSide, o.MinTiles, o.MaxTiles, o.UseThumbnail));
        Assert.Equal(PixelNormalizer.ImageNet[1, 77], o.Normalizer[1, 77]);
    }

    [Fact]
    public void Remote_WithoutDynamicSize_IsOneTile()
    {
        var o = Read("""{"model_type":"internvl_chat","max_dynamic_patch":12,"use_thumbnail":true}""", "{}", out var problems);
        Assert.Empty(problems);
        var plan = new InternVLImageProcessor(o).Plan(1000, 300);
        Assert.Equal((1, 1), plan.Tiles);
        Assert.Equal(256, plan.TokenCount);
        Assert.Single(plan.Grids);
    }

    [Fact]
    public void Native_AbsentKeys_TakeTheProcessorClassDefaults()
    {
        var o = Read("""{"model_type":"internvl","vision_config":{"image_size":[448,448],"patch_size":[14,14]}}""", "{}", out var problems);
        Assert.Empty(problems);
        Assert.Equal((448, 1, 12, true), (o.ImageSize, o.MinTiles, o.MaxTiles, o.UseThumbnail));
        Assert.Equal(PixelNormalizer.Clip[2, 200], o.Normalizer[2, 200]);
    }

    [Theory]
    [InlineData("""{"model_type":"internvl","vision_config":{"image_size":[448,224]}}""", "{}", "image_size")]
    [InlineData("""{"model_type":"internvl"}""", """{"size":{"height":384,"width":384}}""", "384")]
    [InlineData("""{"model_type":"internvl"}""", """{"min_patches":7,"max_patches":6}""", "7")]
    [InlineData("""{"model_type":"internvl"}""", """{"resample":2}""", "resample")]
    [InlineData("""{"model_type":"internvl_chat","pad2square":true}""", "{}", "pad2square")]
    [InlineData("""{"model_type":"internvl_chat","downsample_ratio":0.3}""", "{}", "downsample_ratio")]
    public void WrongValues_AreNamed(string config, string processor, string named)
    {
        Read(config, processor, out var problems);
        Assert.Contains(problems, p => p.Contains(named, StringComparison.Ordinal));
    }

    private static InternVLImageOptions Read(string config, string processor, out IReadOnlyList<string> problems) =>
        Read(JsonDocument.Parse(config).RootElement, JsonDocument.Parse(processor).RootElement, out problems);

    internal static InternVLImageOptions Read(JsonElement config, JsonElement processor, out IReadOnlyList<string> problems)
    {
        var (c, p) = (new ConfigReader(config), new ConfigReader(processor));
        var options = InternVLImageOptions.Read(c, p);
        problems = [.. c.Problems, .. p.Problems];
        return options;
    }
}
