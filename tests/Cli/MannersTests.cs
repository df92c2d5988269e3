using System.CommandLine;
using System.Net;
using System.Text.Json;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Conformance;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SkiaSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary>How the tool speaks: errors that name the thing, found before the work; output for pipes; completions.</summary>
[Collection(TorchCollection.Name)]
public sealed class MannersTests : IDisposable
{
    private static readonly string Fixture = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
    private static readonly string Model = Path.Combine(Fixture, "model");
    private static readonly string Picture = Path.Combine(Fixture, "images", "p0.png");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("See 'd2pruner ask", "ask", "--image", "x.png")]
    [InlineData("See 'd2pruner ask", "ask", "--nonsense")]
    [InlineData("See 'd2pruner ask", "ask", "--model", "m", "--preset", "Best")]
    [InlineData("There is no command 'aks'. See 'd2pruner", "aks", "--model", "m")]
    public async Task ParseErrors_AreOneLine_ThatPointsToHelp(string help, params string[] args)
    {
        var (code, output, error) = await ConsoleRun.OfAsync(() => CommandLine.RunAsync(Root(), args));
        Assert.Equal(1, code);
        Assert.Empty(output);
        var line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.EndsWith($"{help} --help'.", line.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoArguments_AreHelp()
    {
        var (code, output, _) = await ConsoleRun.OfAsync(() => CommandLine.RunAsync(Root(), []));
        Assert.Equal(0, code);
        Assert.Contains("inspect", output, StringComparison.Ordinal);
    }

    // The model does not exist: what is wrong with the image must be told first.
    [Fact]
    public async Task WrongImages_AreNamed_BeforeTheModelLoads()
    {
        File.WriteAllText(_folder.File("notes.txt"), "no image");
        foreach (var (image, part) in new[]
        {
            (_folder.File("notes.txt"), "is no image that can be read"), (_folder.Path, "is a folder"),
                (_folder.File("none.png"), "There is no file"), ("http://127.0.0.1:9/x.png", "--allow-url"),
        })
        {
            var (code, _, error) = await Ask("--model", "no/such-model", "--image", image, "--prompt", "x");
            Assert.Equal(1, code);
            Assert.Contains(image, error, StringComparison.Ordinal);
            Assert.Contains(part, error, StringComparison.Ordinal);
            Assert.DoesNotContain("Parameter", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task UnwritableOverlay_IsTold_BeforeTheModelLoads()
    {
        foreach (var target in new[] { _folder.Path, _folder.File("none/o.png") })
        {
            var (code, _, error) = await Ask("--model", "no/such-model", "--image", Picture, "--prompt", "x", "--overlay", target);
            Assert.Equal(1, code);
            Assert.Contains("--overlay", error, StringComparison.Ordinal);
        }

        Assert.Equal(1, (await ConsoleRun.OfAsync(
            OverlayCommand.Create(), "--model", "no/such-model", "--image", Picture, "--prompt", "x", "--out", _folder.Path)).Code);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task Errors_NameNoParameterOfDotnet()
    {
        var (code, _, error) = await Ask("--model", Model, "--image", Picture, "--prompt", "x", "--layer", "99");
        Assert.Equal(1, code);
        Assert.DoesNotContain("(Parameter", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Address_IsFetched_WhenAllowed()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        await using var server = builder.Build();
        server.MapGet("/p.png", async (HttpContext c) => await c.Response.Body.WriteAsync(File.ReadAllBytes(Picture)));
        await server.StartAsync();
        var address = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/p.png";
        var (code, output, error) =
            await Ask("--model", Model, "--image", address, "--allow-url", "--prompt", "x", "--max-tokens", "2", "--json");
        Assert.True(code == 0, error);
        Assert.True(JsonDocument.Parse(output).RootElement.GetProperty("pruning").GetProperty("visual_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task Json_PutsNumbersOnOneLine()
    {
        var (_, output, _) = await Ask(
            "--model", Model, "--image", Picture, "--prompt", "x", "--keep", "12", "--max-tokens", "2", "--json");
        Assert.Matches(@"""kept"": \[\d+(, \d+){11}\]", output);
        Assert.True(output.Split('\n').Length < 60);
    }

    [Fact]
    public async Task Runs_GiveMedians()
    {
        var (code, output, _) = await Ask(
            "--model", Model, "--image", Picture, "--prompt", "x", "--max-tokens", "2", "--compare", "--runs", "3", "--json");
        Assert.Equal(0, code);
        var json = JsonDocument.Parse(output).RootElement;
        foreach (var answer in new[] { json, json.GetProperty("unpruned") })
        {
            Assert.Equal(3, answer.GetProperty("runs").GetInt32());
            Assert.True(answer.GetProperty("times_ms").GetProperty("vision").GetDouble() > 0);
        }

        Assert.Equal(2.0, Median.Of([9, 1, 2]));
        Assert.Equal(1.5, Median.Of([1, 2]));
    }

    [Fact]
    public async Task WithoutImage_TextIsAnswered()
    {
        var (code, output, error) = await Ask("--model", Model, "--prompt", "Hello", "--max-tokens", "2", "--json");
        Assert.True(code == 0, error);
        Assert.Equal(0, JsonDocument.Parse(output).RootElement.GetProperty("pruning").GetProperty("visual_tokens").GetInt32());
    }

    // The image has no magenta; the box's line has that colour.
    [Fact]
    public async Task Overlay_HasTheAnswersBoxes()
    {
        var (image, drawn) = (Path.Combine(Repository.Root, "samples", "VisionAgent", "images", "shapes.png"), _folder.File("o.png"));
        foreach (var (command, option) in new[] { (OverlayCommand.Create(), "--out"), (AskCommand.Create(), "--overlay") })
        {
            var (code, output, error) = await ConsoleRun.OfAsync(
                command, "--model", Repository.DemoModel, "--image", image, "--prompt", "Where is the blue square?", option, drawn);
            Assert.True(code == 0, error);
            Assert.Contains("visual tokens", output, StringComparison.Ordinal);
            using var bitmap = SKBitmap.Decode(drawn);
            Assert.True(bitmap.Pixels.Count(p => p == SKColors.Magenta) > 100);
            File.Delete(drawn);
        }
    }

    [Theory]
    [InlineData("d2pruner ins", "inspect")]
    [InlineData("d2pruner ask --pres", "--preset")]
    [InlineData("d2pruner ask --preset ", "Localization")]
    [InlineData("d2pruner ask --device ", "cuda")]
    [InlineData("d2pruner completions ", "fish")]
    public void Completions_KnowCommandsOptionsAndValues(string line, string expected) =>
        Assert.Contains(expected, CompletionsCommand.Complete(Root(), line.Length, line));

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("pwsh")]
    public async Task Completions_HaveAScriptForEachShell(string shell)
    {
        var (code, output, _) = await ConsoleRun.OfAsync(CompletionsCommand.Create(), shell);
        Assert.Equal(0, code);
        Assert.Contains("d2pruner complete", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Complete_IsWhatScriptsCall()
    {
        var (code, output, _) = await ConsoleRun.OfAsync(() => CommandLine.RunAsync(Root(), ["complete", "15", "d2pruner inspec"]));
        Assert.Equal(0, code);
        Assert.Equal("inspect", output.Trim());
    }

    private static RootCommand Root() =>
        new("d2pruner") { AskCommand.Create(), ChatCommand.Create(), InspectCommand.Create(), CompletionsCommand.Create() };

    private static Task<(int Code, string Output, string Error)> Ask(params string[] args) => ConsoleRun.OfAsync(AskCommand.Create(), args);
}
