using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Prompts;
using SkiaSharp;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>Images that go through a tower together leave it as each does alone.</summary>
[Collection(TorchCollection.Name)]
public sealed class TowerBatchTests
{
    public static TheoryData<string> Families() =>
        ["llava-1.5-a", "llava-next-vicuna", "qwen2.5-vl-flat", "internvl-hf-qknorm", "internvl-internlm2"];

    [Theory]
    [MemberData(nameof(Families))]
    public void ImagesTogether_AreAsAlone(string fixture)
    {
        using var scope = torch.NewDisposeScope();
        using var model = ModelLoader.LoadModel(new VisionModelOptions
            { ModelPath = Path.Combine(FixtureFolders.Copies!, fixture, "model"), Device = "cpu", Precision = ModelPrecision.Float32 });
        // The second pair has as many pixels in another grid.
        Check(model, [Noise(1, 90, 60), Noise(2, 90, 60), Noise(3, 90, 60)]);
        Check(model, [Noise(4, 120, 60), Noise(5, 60, 120)]);
    }

    /// <summary>A block's output goes when the next one has read it: of a large image each is over a hundred megabytes.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void BetweenBlocks_NoEarlierOnesOutputIsHeld(string fixture)
    {
        using var scope = torch.NewDisposeScope();
        using var model = ModelLoader.LoadModel(
            new VisionModelOptions { ModelPath = Path.Combine(FixtureFolders.Copies!, fixture, "model"), Device = "cpu" });
        var image = model.ImageProcessor.Process(ImageDecoder.Decode(Noise(7, 90, 60)));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var live = new List<long>();
        model.Vision.Encode(image, true, () => live.Add(torch.Tensor.TotalCount));
        Assert.True(live.Count > 1);
        Assert.Single(live.Distinct());
    }

    // Of a picture thin as a line nothing of the mosaic is left; the newlines of a tall one are.
    [Theory]
    [InlineData(900, 10, 0)]
    [InlineData(10, 900, 12)]
    public void LlavaNext_OfALine_IsTheBaseTileAndNewlines(int width, int height, int newlines)
    {
        using var scope = torch.NewDisposeScope();
        using var model = ModelLoader.LoadModel(new VisionModelOptions
            { ModelPath = Path.Combine(FixtureFolders.Copies!, "llava-next-vicuna", "model"), Device = "cpu" });
        var output = model.Vision.Encode(model.ImageProcessor.Process(ImageDecoder.Decode(Noise(6, width, height))), true);
        Assert.Equal(16L + newlines, output.Features.shape[0]);
        Assert.Equal(16, output.ClsAttention!.Length);
    }

    private static void Check(VisionLanguageModel model, byte[][] files)
    {
        ProcessedImage[] images = [.. files.Select(f => model.ImageProcessor.Process(ImageDecoder.Decode(f)))];
        Assert.All(images, i => Assert.Equal(images[0].PixelShape, i.PixelShape));
        var borders = 0;
        var together = model.Vision.EncodeBatch(images, true, () => borders++);
        Assert.Equal(images.Length, together.Count);
        Assert.True(borders > 0);
        for (var i = 0; i < images.Length; i++)
        {
            var alone = model.Vision.Encode(images[i], true);
            Close(Values(alone), Values(together[i]));
            if (alone.ClsAttention is null) Assert.Null(together[i].ClsAttention);
            else Close(alone.ClsAttention, together[i].ClsAttention!);
        }
    }

    private static float[] Values(VisionOutput output) => output.Features.to(torch.ScalarType.Float32).contiguous().data<float>().ToArray();

    private static void Close(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.InRange(actual[i] - expected[i], -1e-4f, 1e-4f);
    }

    private static byte[] Noise(int seed, int width, int height)
    {
        var random = new Random(seed);
        using var bitmap = new SKBitmap(width, height);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++) bitmap.SetPixel(x, y, new SKColor((uint)random.Next() | 0xFF000000));
        }

        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
