using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.Qwen25VL;
using D2Pruner.AI.Runtime.Models.LlavaNext;
using D2Pruner.AI.Runtime.Models.InternVL;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

/// <summary>What the golden pictures do not reach: extreme shapes, small options, maps of mosaics.</summary>
public sealed class ProcessorEdgeTests
{
    private const long Little = 96 << 20;

    // Resized as a whole, this picture would be 336 x 6720000.
    [Theory]
    [InlineData(1, 20000)]
    [InlineData(20000, 1)]
    public void LlavaCrop_OfALine_ComputesOnlyTheCrop(int width, int height)
    {
        var image = Grey(width, height, i => (byte)(i / 80));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var p = new LlavaImageProcessor(new LlavaImageOptions()).Process(image);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Little);
        // One source pixel fills the crop but for what the kernel mixes in: the middle of the line.
        Assert.All(p.Resized, v => Assert.InRange(v, 124, 126));
    }

    // The square canvas would be 1.2 GB.
    [Fact]
    public void LlavaPad_OfALongPicture_NeedsLittleMemory()
    {
        var image = Grey(20000, 8, _ => 200);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var p = new LlavaImageProcessor(new LlavaImageOptions { PadToSquare = true }).Process(image);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Little);
        Assert.Equal([122, 116, 104], p.Resized[..3]);
        Assert.True(p.Resized[168 * 336 * 3] > 125, "the picture is the line in the middle");
    }

    [Fact]
    public void TooLongForAnyTile_EndsInTheTypedError()
    {
        var image = new DecodedImage(1, 3_000_000, new byte[9_000_000]);
        Assert.Contains("1x3000000",
            Assert.Throws<ImageDecodeException>(() => new LlavaNextImageProcessor(new LlavaNextImageOptions()).Process(image)).Message);
        Assert.Contains("1x3000000",
            Assert.Throws<ImageDecodeException>(() => new InternVLImageProcessor(new InternVLImageOptions()).Process(image)).Message);
        Assert.Contains("1x3000000",
            Assert.Throws<ImageDecodeException>(() => new Qwen2VLImageProcessor(new Qwen2VLImageOptions()).Process(image)).Message);
        Assert.Throws<ImageDecodeException>(() => new LlavaImageProcessor(new LlavaImageOptions()).Plan(1, 60_000_000));
    }

    [Fact]
    public void LlavaClassToken_StandsBeforeTheGridAndIsASeparator()
    {
        var plan = new LlavaImageProcessor(new LlavaImageOptions { ShortestEdge = 84, CropSize = 84, ClassTokens = 1 }).Plan(100, 90);
        Assert.Equal(37, plan.TokenCount);
        Assert.Equal([0], plan.SeparatorOffsets);
        Assert.Equal(Enumerable.Range(1, 36), plan.Grids[0].Offsets);
    }

    // A crop larger than the edge is filled up with black; an odd pixel of it lies above and to the left.
    [Fact]
    public void LlavaCrop_LargerThanTheEdge_PadsWithBlack()
    {
        var processor = new LlavaImageProcessor(new LlavaImageOptions { ShortestEdge = 27, CropSize = 42 });
        var p = processor.Process(Grey(27, 27, _ => 200));
        for (var y = 0; y < 42; y++)
        {
            for (var x = 0; x < 42; x++) Assert.Equal(y is >= 8 and < 35 && x is >= 8 and < 35 ? 200 : 0, p.Resized[(y * 42 + x) * 3]);
        }

        Assert.Equal(new PixelBox(0, 0, 6, 6), p.Map.Cell(0, 0, 0));
        Assert.Equal(new PixelBox(20, 20, 27, 27), p.Map.Cell(0, 2, 2));
    }

    [Fact]
    public void InternVLMosaic_MapsBackAcrossTiles()
    {
        var processor = new InternVLImageProcessor(new InternVLImageOptions { ImageSize = 112, MaxTiles = 6 });
        var plan = processor.Plan(300, 200);
        Assert.Equal((3, 2), plan.Tiles);
        Assert.Equal(["mosaic", "thumbnail"], plan.Grids.Select(g => g.Name));
        Assert.Equal(7 * 16, plan.TokenCount);
        Assert.Equal(Enumerable.Range(0, plan.TokenCount), plan.Grids.SelectMany(g => g.Offsets).Order());
        // Global cell (5, 9): tile row 1, column 2 = tile 5; inside it (1, 1).
        Assert.Equal(5 * 16 + 1 * 4 + 1, plan.Grids[0].Offsets[5 * 12 + 9]);
        Assert.Equal(new PixelBox(9 * 25, 5 * 25, 10 * 25, 6 * 25), plan.Map.Cell(0, 5, 9));
        Assert.Equal(new PixelBox(150, 50, 225, 100), plan.Map.Cell(1, 1, 2));
        Assert.Equal(CoordinateSpace.Thousand, plan.Map.Space);
        Assert.Equal(new PixelBox(30, 50, 150, 200), plan.Map.FromModel(100, 250, 500, 1000));
    }

    [Fact]
    public void InternVLOptions_AreChecked()
    {
        Assert.Throws<ArgumentException>(() => new InternVLImageProcessor(new InternVLImageOptions { ImageSize = 14 }));
        Assert.Throws<ArgumentException>(() => new InternVLImageProcessor(new InternVLImageOptions { MinTiles = 3, MaxTiles = 2 }));
    }

    // 300 x 200 in 112 x 112: resized to 112 x 75 with 18 rows above, unpadded by one row of 14: the grid begins 4 rows above the picture.
    [Fact]
    public void LlavaNextMosaic_StartsWhereUnpaddingCut()
    {
        var processor = new LlavaNextImageProcessor(
            new LlavaNextImageOptions { TileSize = 56, Pinpoints = [(56, 112), (112, 56), (112, 112)] });
        var wide = processor.Plan(300, 200);
        Assert.Equal(((112, 112), 6, 8), (wide.BestResolution, wide.Grids[1].Rows, wide.Grids[1].Columns));
        AssertClose(new PixelBox(0, 0, 37.5, 10 * 200 / 75.0), wide.Map.Cell(1, 0, 0));
        AssertClose(new PixelBox(37.5, 24 * 200 / 75.0, 75, 38 * 200 / 75.0), wide.Map.Cell(1, 2, 1));
        // 200 x 310: resized to 73 x 112 with 19 columns to the left, unpadded by one column.
        var tall = processor.Plan(200, 310);
        Assert.Equal(((112, 112), 8, 6), (tall.BestResolution, tall.Grids[1].Rows, tall.Grids[1].Columns));
        AssertClose(new PixelBox(0, 0, 9 * 200 / 73.0, 38.75), tall.Map.Cell(1, 0, 0));
        AssertClose(new PixelBox(0, 0, 50, 77.5), tall.Map.Cell(0, 0, 0));
    }

    // 20 of 2000 pixels are less than a row of the grid. The reference goes on without a mosaic; a tall picture's newlines stay.
    [Theory]
    [InlineData(2000, 20, 576, 0)]
    [InlineData(20, 2000, 648, 72)]
    public void LlavaNextMosaic_OfALine_IsLeftOut(int width, int height, int tokens, int newlines)
    {
        var p = new LlavaNextImageProcessor(new LlavaNextImageOptions()).Process(Grey(width, height, _ => 128));
        Assert.Equal((tokens, newlines), (p.TokenCount, p.SeparatorOffsets.Length));
        Assert.Equal("base", Assert.Single(p.Grids).Name);
        Assert.Single(p.Map.Cells);
        var layout = new VisualTokenLayout(
            [.. p.Grids.Select(g => new GridComponent(g.Name, g.Rows, g.Columns, g.Offsets))], p.SeparatorOffsets);
        Assert.Equal(tokens - newlines, layout.Count);
    }

    // transformers 5 writes the image processor into processor_config.json, which goes before the older file.
    [Theory]
    [InlineData("internvl-hf")]
    [InlineData("qwen2.5-vl-flat")]
    public void ImageSettingsInProcessorConfig_MeanTheSame(string fixture)
    {
        using var folder = new TemporaryFolder();
        var before = Path.Combine(FixtureFolders.Copies!, fixture, "model");
        var after = folder.Copy(before, f => f.EndsWith(".json", StringComparison.Ordinal));
        var (own, processor) = (Path.Combine(after, "preprocessor_config.json"), Path.Combine(after, "processor_config.json"));
        var json = File.Exists(processor) ? JsonNode.Parse(File.ReadAllText(processor))!.AsObject() : new JsonObject();
        json["image_processor"] = JsonNode.Parse(File.ReadAllText(own));
        File.WriteAllText(processor, json.ToJsonString());
        File.Delete(own);
        AssertSame();
        File.WriteAllText(own, """{"image_mean": [0, 0, 0], "max_pixels": 100352}""");
        AssertSame();

        void AssertSame()
        {
            var (expected, actual) = (ProcessorOf(before), ProcessorOf(after));
            var image = Grey(300, 200, i => (byte)i);
            Assert.Equal(expected.Process(image).Pixels, actual.Process(image).Pixels);
            Assert.Equal(expected.Plan(4000, 3000).TokenCount, actual.Plan(4000, 3000).TokenCount);
        }
    }

    private static IImageProcessor ProcessorOf(string model) =>
        ModelFamilies.Read(CheckpointFolder.Open(model)).ImageProcessor(ImageFit.FromProcessor);

    private static void AssertClose(PixelBox expected, PixelBox actual)
    {
        Assert.Equal(expected.Left, actual.Left, 9);
        Assert.Equal(expected.Top, actual.Top, 9);
        Assert.Equal(expected.Right, actual.Right, 9);
        Assert.Equal(expected.Bottom, actual.Bottom, 9);
    }

    // The right half (the lower one of a tall picture) is white: each cell that maps back into one half must show that half.
    [Theory]
    [InlineData(300, 200)]
    [InlineData(200, 310)]
    [InlineData(150, 400)]
    public void LlavaNextCells_ShowWhatTheyMapTo(int width, int height)
    {
        var processor = new LlavaNextImageProcessor(
            new LlavaNextImageOptions { TileSize = 56, Pinpoints = [(56, 112), (112, 56), (112, 112), (168, 56), (56, 168)] });
        var isTall = height > width;
        var middle = (isTall ? height : width) / 2;
        var image = Grey(width, height, i => (isTall ? i / width : i % width) >= middle ? (byte)255 : (byte)0);
        var p = processor.Process(image);
        var (tiles, side) = (p.BestResolution!.Value.Width / 56, 4);
        var pads = (Rows: (p.BestResolution.Value.Height / 14 - p.Grids[1].Rows) / 2,
            Columns: (p.BestResolution.Value.Width / 14 - p.Grids[1].Columns) / 2);
        var seen = 0;
        foreach (var (grid, index) in p.Grids.Select((g, i) => (g, i)))
        {
            for (var r = 0; r < grid.Rows; r++)
            {
                for (var c = 0; c < grid.Columns; c++)
                {
                    var box = p.Map.Cell(index, r, c);
                    var (start, end) = isTall ? (box.Top, box.Bottom) : (box.Left, box.Right);
                    var margin = middle * 0.12; // the kernel's reach
                    if (start < middle + margin && end > middle - margin) continue;
                    if (box.Right - box.Left < 1 || box.Bottom - box.Top < 1) continue; // clipped away: padding
                    var (gr, gc) = index == 0 ? (r, c) : (r + pads.Rows, c + pads.Columns);
                    var tile = index == 0 ? 0 : 1 + gr / side * tiles + gc / side;
                    var (y, x) = (gr % side * 14 + 7, gc % side * 14 + 7);
                    Assert.Equal(start > middle ? 255 : 0, p.Resized[((tile * 56 + y) * 56 + x) * 3]);
                    seen++;
                }
            }
        }

        Assert.True(seen >= 12, $"{seen} cells");
    }

    private static DecodedImage Grey(int width, int height, Func<int, byte> at)
    {
        var rgb = new byte[width * height * 3];
        for (var i = 0; i < rgb.Length; i++) rgb[i] = at(i / 3);
        return new DecodedImage(width, height, rgb);
    }
}
