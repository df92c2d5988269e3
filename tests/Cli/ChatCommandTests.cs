using D2Pruner.AI.Cli;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary>A conversation, typed by a test.</summary>
[Collection(TorchCollection.Name)]
public sealed class ChatCommandTests : IDisposable
{
    private static readonly string Picture = Path.Combine(Repository.Root, "samples", "Grounding", "boxes.png");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Conversation_HasImagesPresetsHistoryAndOverlays()
    {
        var overlay = _folder.File("o.png");
        var (code, output, error) = await TalkAsync(
            Picture,
            "/preset localization",
            $"/overlay {overlay}",
            "Where is the star?",
            "/overlay off",
            "How many things are there?",
            "/history",
            "/preset best",
            "/nonsense",
            "/clear",
            "/history",
            "/exit",
            "What is this?");
        Assert.True(code == 0, error);
        Assert.Contains($"image: {Picture}", output, StringComparison.Ordinal);
        Assert.Contains("preset: Localization", output, StringComparison.Ordinal);
        Assert.Contains("288 of 576 visual tokens, Localization", output, StringComparison.Ordinal);
        Assert.Contains("user: [image] Where is the star?", output, StringComparison.Ordinal);
        Assert.Contains("user: How many things are there?", output, StringComparison.Ordinal);
        Assert.DoesNotContain("What is this?", output, StringComparison.Ordinal);
        Assert.EndsWith("forgotten\n", output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.True(new FileInfo(overlay).Length > 1000);
        Assert.Contains("'best' is no preset", error, StringComparison.Ordinal);
        Assert.Contains("'/nonsense' is no command", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Path_MayStandInTheQuestion()
    {
        var (_, output, error) = await TalkAsync($"How many things are in {Picture} ?", "/history");
        Assert.True(error.Length == 0, error);
        Assert.Contains("user: [image] How many things are in ?", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingImage_EndsNothing()
    {
        var (code, output, error) = await TalkAsync("/image none.png", "Hello");
        Assert.Equal(0, code);
        Assert.Contains("none.png", error, StringComparison.Ordinal);
        Assert.True(output.Length > 0);
    }

    private static async Task<(int Code, string Output, string Error)> TalkAsync(params string[] lines)
    {
        var before = Console.In;
        Console.SetIn(new StringReader(string.Join('\n', lines)));
        try
        {
            return await ConsoleRun.OfAsync(ChatCommand.Create(), "--model", Repository.DemoModel, "--max-tokens", "12", "--device", "cpu");
        }
        finally
        {
            Console.SetIn(before);
        }
    }
}
