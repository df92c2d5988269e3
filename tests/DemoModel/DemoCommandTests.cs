using System.Globalization;
using System.Text.RegularExpressions;
using D2Pruner.AI.DemoModel.Commands;
using SkiaSharp;
using Xunit;

namespace D2Pruner.AI.Tests.DemoModel;

/// <summary>Commands of samples/DemoModel that do not train.</summary>
[Collection(TorchCollection.Name)]
public sealed class DemoCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The card's image is what the command draws, so that its answers are the model's. Another processor's rounding may change
    /// a box by a hundredth.</summary>
    [Fact]
    public async Task TheCardsScenes_AreTheModelsAnswers()
    {
        var (code, output, error) = await RunAsync(
            "sheet", "--model", Repository.DemoModel, "--seed", "1", "--out", _folder.File("scenes.png"));
        Assert.True(code == 0, error);
        using var drawn = SKBitmap.Decode(_folder.File("scenes.png"));
        using var shipped = SKBitmap.Decode(Path.Combine(Repository.DemoModel, "scenes.png"));
        Assert.Equal(drawn.Info.Size, shipped.Info.Size);
        var different = drawn.Pixels.Zip(shipped.Pixels).Count(p => p.First != p.Second);
        Assert.True(different < drawn.Pixels.Length / 500, $"{different} pixels differ; {output}");
        // Right answers and wrong ones.
        Assert.Contains(new SKColor(0, 110, 30), shipped.Pixels);
        Assert.Contains(new SKColor(200, 0, 0), shipped.Pixels);
        var (said, counted) = (Figures(File.ReadAllText(Path.Combine(Repository.DemoModel, "README.md"))), Figures(output));
        Assert.Equal(counted.All, said.All);
        Assert.InRange(counted.Right, said.Right - 1, said.Right + 1);
    }

    [Fact]
    public async Task Draw_AndEvaluate_DoWhatTheReadmeSays()
    {
        var (code, _, error) = await RunAsync("draw", "--out", _folder.File("drawn"), "--split", "Calibration", "--scenes", "2");
        Assert.True(code == 0, error);
        Assert.Equal(2, Directory.GetFiles(_folder.File("drawn"), "*.png").Length);
        (code, var output, error) = await RunAsync(
            "evaluate", "--model", Repository.DemoModel, "--scenes", "1", "--seed", "1", "--json", _folder.File("figures.json"));
        Assert.True(code == 0, error);
        Assert.Contains("\"n_existence\": 1", output, StringComparison.Ordinal);
        Assert.Equal(output.Trim(), (await File.ReadAllTextAsync(_folder.File("figures.json"))).Trim());
    }

    private static (int Right, int All) Figures(string text)
    {
        var match = Regex.Match(text, @"(\d+) of (\d+) answers are right");
        return (int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture),
            int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture));
    }

    private static Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) =>
        ConsoleRun.OfAsync(() => DemoCommands.CreateRoot().Parse(arguments).InvokeAsync());
}
