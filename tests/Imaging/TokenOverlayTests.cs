using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

public sealed class TokenOverlayTests
{
    public static TheoryData<string, IImageProcessor> Processors() => new()
    {
        { "crop", new LlavaImageProcessor(new LlavaImageOptions()) },
        { "pad", new LlavaImageProcessor(new LlavaImageOptions { PadToSquare = true }) },
        { "tiles", new LlavaNextImageProcessor(new LlavaNextImageOptions()) },
        { "resized", new Qwen2VLImageProcessor(new Qwen2VLImageOptions()) },
    };

    [Theory]
    [MemberData(nameof(Processors))]
    public void KeptCellsAreBright_DroppedOnesDim(string label, IImageProcessor processor)
    {
        var (width, height) = (400, 300);
        var rgb = new byte[width * height * 3];
        Array.Fill(rgb, (byte)200);
        var picture = new DecodedImage(width, height, rgb);
        var map = processor.Plan(width, height).Map;
        var plan = processor.Plan(width, height).Grids[0];
        var kept = new List<PixelBox>();
        for (var r = 0; r < plan.Rows; r++)
        {
            for (var c = 0; c < plan.Columns; c++)
            {
                if ((r + c) % 2 == 0) kept.Add(map.Cell(0, r, c));
            }
        }

        var overlay = ImageDecoder.Decode(TokenOverlay.Render(picture, kept));
        Assert.Equal((width, height), (overlay.Width, overlay.Height));
        var seen = 0;
        for (var r = 0; r < plan.Rows; r++)
        {
            for (var c = 0; c < plan.Columns; c++)
            {
                var box = map.Cell(0, r, c);
                if (box.Right - box.Left < 2 || box.Bottom - box.Top < 2) continue;
                var (x, y) = ((int)((box.Left + box.Right) / 2), (int)((box.Top + box.Bottom) / 2));
                Assert.Equal((r + c) % 2 == 0 ? 200 : 50, overlay.Rgb[(y * width + x) * 3]);
                seen++;
            }
        }

        Assert.True(seen > 20, label);
    }

    [Fact]
    public void Map_CropAndPad_GoBackToTheOriginal()
    {
        var crop = new LlavaImageProcessor(new LlavaImageOptions()).Plan(640, 480).Map;
        Assert.Equal(new PixelBox(80, 0, 560, 480), crop.FromModel(0, 0, 1, 1));
        var pad = new LlavaImageProcessor(new LlavaImageOptions { PadToSquare = true }).Plan(640, 480).Map;
        Assert.Equal(new PixelBox(0, 0, 640, 480), pad.FromModel(0, 0, 1, 1));
        Assert.Equal(new PixelBox(160, 80, 480, 400), pad.FromModel(0.25, 0.25, 0.75, 0.75));
    }
}
