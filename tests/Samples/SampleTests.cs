using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Samples;

/// <summary>Each sample as a person runs it: a process of its own, without a keyboard.</summary>
[Collection(TorchCollection.Name)]
public sealed class SampleTests
{
    [Theory]
    [InlineData("ChatApp", "visual tokens kept", "Is there a red circle?", "user: (")]
    [InlineData("VisionAgent", "-> Vision_ask_image(image: shapes, question: What colour is the circle?)", "\"image\":\"shapes\",\"answer\":", "-> Vision_locate_objects(image: shapes, objects: the blue square)",
        "-> Vision_compare_images(firstImage: shapes, secondImage: changed)", "I could not look at it:")]
    [InlineData("Grounding", "the red circle:", "the blue square:", "the yellow triangle:", "visual tokens kept", "Drawn:")]
    public async Task Demo_RunsWithoutAKeyboard(string sample, params string[] expected)
    {
        using var folder = new TemporaryFolder();
        var run = await SampleRun.StartAsync(sample, folder.Path, "", "--demo");
        Assert.True(run.ExitCode == 0, $"exit code {run.ExitCode}\n{run.Output}\n{run.Errors}");
        Assert.Empty(run.Errors);
        Assert.StartsWith("Model: the shipped", run.Output);
        Assert.All(expected, e => Assert.Contains(e, run.Output));
    }

    [Fact]
    public async Task Grounding_DrawsAPicture()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("in.png"), SemanticKernel.Pictures.Png(200));
        var run = await SampleRun.StartAsync("Grounding", folder.Path, "the thing\n", "--image", "in.png", "--out", "drawn/it.png");
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        var drawn = ImageDecoder.Decode(File.ReadAllBytes(folder.File("drawn/it.png")));
        // 200x100, enlarged four times for the labels.
        Assert.Equal((800, 400), (drawn.Width, drawn.Height));
    }

    [Fact]
    public async Task ChatApp_GoesOnAfterMistakes_AndEndsWithItsInput()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("text.png"), "no picture");
        var run = await SampleRun.StartAsync("ChatApp", folder.Path, "/image missing.png\n/image text.png\n/preset best\n/nonsense\n\n/help\nHello\n");
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        Assert.Contains("missing.png", run.Output);
        Assert.Contains("'best' is no preset", run.Output);
        Assert.Contains("Unknown command '/nonsense'", run.Output);
        Assert.Contains("0 of 0 visual tokens kept", run.Output);
    }

    [Fact]
    public async Task VisionAgent_TellsWhyACallFailed_AndReadsTheAllowedFolderOnly()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("allowed"));
        File.WriteAllBytes(folder.File("allowed/cat.png"), SemanticKernel.Pictures.Png(200));
        var failed = await SampleRun.StartAsync("VisionAgent", folder.Path, "What is in shapes?\n/quit\n", "--model", "missing");
        Assert.Contains("  !! ", failed.Output);
        Assert.Contains("there is no such folder", failed.Output);

        var run = await SampleRun.StartAsync("VisionAgent", folder.Path, "What is in cat.png?\nWhat is in dog.png?\nhello\n", "--images", "allowed");
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        Assert.Contains("\"image\":\"cat.png\",\"answer\":", run.Output);
        Assert.Contains("The picture 'dog.png' was not read", run.Output);
        Assert.Contains("Ask a question about a picture", run.Output);
    }

    [Theory]
    [InlineData("ChatApp", "--modle", "x")]
    [InlineData("ChatApp", "--model")]
    [InlineData("Grounding", "--image", "missing.png")]
    [InlineData("Grounding", "--image", "text.png")]
    [InlineData("VisionAgent", "--images", "missing")]
    public async Task BadArguments_EndWithTwo(string sample, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("text.png"), "no picture");
        var run = await SampleRun.StartAsync(sample, folder.Path, "", arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.NotEmpty(run.Errors);
        Assert.DoesNotContain("   at ", run.Errors);
    }
}
