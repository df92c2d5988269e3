using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Models.Qwen25VL;
using D2Pruner.AI.Runtime.Models.LlavaNext;
using D2Pruner.AI.Runtime.Models.InternVL;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Overlays;
using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

public sealed class TokenOverlayTests
{
    public static TheoryData<string, object> Processors() => new()
    {
        { "crop", new LlavaImageProcessor(new LlavaImageOptions()) },
        { "pad", new LlavaImageProcessor(new LlavaImageOptions { PadToSquare = true }) },
        { "tiles", new LlavaNextImageProcessor(new LlavaNextImageOptions()) },
        { "mosaic", new InternVLImageProcessor(new InternVLImageOptions()) },
        { "resized", new Qwen2VLImageProcessor(new Qwen2VLImageOptions()) },
    };

    [Theory]
    [MemberData(nameof(Processors))]
    public void KeptCellsAreBright_DroppedOnesDim(string label, object family)
    {
        var processor = (IImageProcessor)family;
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
    public void Layout_CroppedBordersAreDarkerThanDroppedCells()
    {
        var picture = Plain(400, 300);
        var plan = new LlavaImageProcessor(new LlavaImageOptions()).Plan(400, 300);
        var overlay = ImageDecoder.Decode(TokenOverlay.Render(picture, plan.Map, plan.Grids, new HashSet<int> { 0, 24 * 24 - 1 }));
        int At(int x, int y) => overlay.Rgb[(y * 400 + x) * 3];
        // The crop is the middle 300 x 300; cells of 12.5 pixels.
        Assert.Equal((200, 200), (At(51, 1), At(348, 298)));
        Assert.Equal((50, 50), (At(200, 150), At(51, 298)));
        var border = Enumerable.Range(0, 50).SelectMany(x => Enumerable.Range(0, 300).Select(y => At(x, y))).ToArray();
        Assert.Equal([0, 25], border.Distinct().Order());
        Assert.InRange(border.Count(v => v == 0), border.Length / 10, border.Length / 6);
    }

    [Fact]
    public void Layout_APlaceIsBrightIfAnyGridKeepsIt()
    {
        var plan = new InternVLImageProcessor(new InternVLImageOptions { ImageSize = 112, MaxTiles = 6 }).Plan(300, 200);
        var picture = Plain(300, 200);
        // Mosaic cell (0, 0) is 25 x 25; thumbnail cell (3, 3), the layout's last index, is 75 x 50.
        var overlay = ImageDecoder.Decode(TokenOverlay.Render(picture, plan.Map, plan.Grids, new HashSet<int> { 0, 8 * 12 + 15 }));
        for (var y = 0; y < 200; y++)
        {
            for (var x = 0; x < 300; x++)
                Assert.Equal((x < 25 && y < 25) || (x >= 225 && y >= 150) ? 200 : 50, overlay.Rgb[(y * 300 + x) * 3]);
        }
    }

    [Fact]
    public void Layout_OfAnotherPictureOrIndex_IsRefused()
    {
        var plan = new LlavaImageProcessor(new LlavaImageOptions()).Plan(400, 300);
        Assert.Throws<ArgumentException>(() => TokenOverlay.Render(Plain(300, 400), plan.Map, plan.Grids, new HashSet<int>()));
        Assert.Throws<ArgumentException>(() => TokenOverlay.Render(Plain(400, 300), plan.Map, [], new HashSet<int>()));
        Assert.Throws<ArgumentException>(() => TokenOverlay.Render(Plain(400, 300), plan.Map, plan.Grids, new HashSet<int> { 576 }));
    }

    private static DecodedImage Plain(int width, int height)
    {
        var rgb = new byte[width * height * 3];
        Array.Fill(rgb, (byte)200);
        return new DecodedImage(width, height, rgb);
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
