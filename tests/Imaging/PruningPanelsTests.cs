using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Overlays;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Imaging;

[Collection(TorchCollection.Name)]
public sealed class PruningPanelsTests
{
    private const int Gap = 8;
    private const int Header = 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void KeptCellsAreBright_DroppedOnesDim(bool pad)
    {
        var options = new LlavaImageOptions { PadToSquare = pad };
        var plan = new LlavaImageProcessor(options).Plan(400, 300);
        var side = plan.Grids[0].Columns;
        var white = new DecodedImage(400, 300, [.. Enumerable.Repeat((byte)240, 400 * 300 * 3)]);
        var kept = (side / 2 * side) + side / 2;
        var pruning = Pruning(plan, [kept]);
        var panel = ImageDecoder.Decode(PruningPanels.Render(white, pruning));
        var bright = plan.Map.Cell(0, side / 2, side / 2);
        var dim = plan.Map.Cell(0, side / 2, 2);
        Assert.Equal(240, At(panel, (bright.Left + bright.Right) / 2, (bright.Top + bright.Bottom) / 2));
        Assert.InRange(At(panel, (dim.Left + dim.Right) / 2, (dim.Top + dim.Bottom) / 2), 50, 70);
        // What the crop leaves out is dim too; padding has no place on the picture.
        Assert.InRange(At(panel, 2, 2), 50, 70);
    }

    [Fact]
    public void HeatMaps_FollowTheScores()
    {
        var plan = new LlavaImageProcessor(new LlavaImageOptions()).Plan(336, 336);
        var attention = Enumerable.Range(0, plan.TokenCount).Select(i => (float)i).ToArray();
        var pruning = Pruning(plan, [0, 1]) with { Attention = attention, PriorMap = [.. attention.Select(a => 1 + a)] };
        var image = new DecodedImage(336, 336, new byte[336 * 336 * 3]);
        var panel = ImageDecoder.Decode(PruningPanels.Render(image, pruning));
        Assert.Equal((Gap + 4 * (336 + Gap), Header + 336 + Gap + 34), (panel.Width, panel.Height));
        // Yellow at the highest, dark blue at the lowest rank, in each of the three maps (their scores rise together).
        for (var map = 1; map <= 3; map++)
        {
            var (lowR, lowB) = (At(panel, map * (336 + Gap) + 7, 7, 0), At(panel, map * (336 + Gap) + 7, 7, 2));
            var (highR, highB) = (At(panel, map * (336 + Gap) + 329, 329, 0), At(panel, map * (336 + Gap) + 329, 329, 2));
            Assert.True(highR > 150 && highR > highB + 80, $"map {map}: high {highR},{highB}");
            Assert.True(lowB > lowR + 20, $"map {map}: low {lowR},{lowB}");
        }
    }

    [Fact]
    public async Task Command_DrawsSeveralComponents()
    {
        using var folder = new TemporaryFolder();
        var fixture = Path.Combine(FixtureFolders.Copies!, "internvl-hf");
        var picture = Path.Combine(fixture, "images", "p4.png");
        var size = ImageDecoder.Decode(File.ReadAllBytes(picture));
        var code = await OverlayCommand.Create()
            .Parse(["--model", Path.Combine(fixture, "model"), "--image", picture, "--prompt", "What is this?", "--out",
                folder.File("o.png"), "--keep", "0.25"]).InvokeAsync();
        Assert.Equal(0, code);
        var panel = ImageDecoder.Decode(File.ReadAllBytes(folder.File("o.png")));
        var longest = Math.Max(size.Width, size.Height);
        var scale = longest < 240 ? 240f / longest : longest > 480 ? 480f / longest : 1;
        // Mosaic and thumbnail are two rows of four panels.
        Assert.Equal(2 * (Header + (int)(size.Height * scale) + Gap) + 34, panel.Height);
        Assert.Equal(Gap + 4 * ((int)(size.Width * scale) + Gap), panel.Width);
    }

    private static byte At(DecodedImage panel, double x, double y, int channel = 0) =>
        panel.Rgb[((int)(Header + y) * panel.Width + (int)(Gap + x)) * 3 + channel];

    private static ImagePruning Pruning(ImagePlan plan, int[] kept) => new()
    {
        ImageIndex = 0,
        VisualTokens = plan.TokenCount,
        Kept = kept,
        Layout = new VisualTokenLayout(
            [.. plan.Grids.Select(g => new GridComponent(g.Name, g.Rows, g.Columns, g.Offsets))], plan.SeparatorOffsets),
        Map = plan.Map,
        Width = plan.OriginalWidth,
        Height = plan.OriginalHeight,
    };
}
