using System.Globalization;
using System.Security.Cryptography;
using System.Xml.Linq;
using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Samples;

/// <summary>Each sample as a person runs it: a process of its own, without a keyboard.</summary>
[Collection(TorchCollection.Name)]
public sealed class SampleTests
{
    [Theory]
    [InlineData("ChatApp", "visual tokens kept", "Is there a red circle?", "user: (")]
    [InlineData("VisionAgent", "keyword rules stand in", "-> Vision_ask_image(image: shapes, question: How many circles are in shapes?)",
        "\"image\":\"shapes\",\"answer\":",
        "-> Vision_locate_objects(image: shapes, objects: the triangle, the star)",
        "-> Vision_compare_images(firstImage: shapes, secondImage: changed", "I could not look at it:")]
    [InlineData("AgentFramework", "1. An agent over the vision model", "as an object:",
        "-> ask_image(image: attachment-534e1e8cde53da00, question: Where is the blue square?)", "-> locate_objects(",
        "at one look, pruned: ", "locate: the cross at", "crop: a part", "answer: orange")]
    [InlineData("McpServer", "connected to d2pruner", "tools: ask_image, compare_images, describe_image, locate_objects, read_text",
        "resource: d2pruner://images/shapes.png",
        "\"answer\":\"red\"", "<- an image, image/png", "<- error {", "\"kind\":\"invalid_request\"")]
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

    // A server and two workers, three processes: the run ends when all of them have ended, because they share its output.
    [Fact]
    public async Task Cluster_StartsItsWorkers_AsksTenQuestions_AndEndsThem()
    {
        using var folder = new TemporaryFolder();
        var silos = Orleans.Ports.Next(10).ToString(CultureInfo.InvariantCulture);
        var run = await SampleRun.StartAsync("Cluster", folder.Path, "", "--demo", "--port", "0", "--silo-port", silos);
        Assert.True(run.ExitCode == 0, $"exit code {run.ExitCode}\n{run.Output}\n{run.Errors}");
        Assert.Empty(run.Errors);
        Assert.StartsWith("Model: the shipped", run.Output);
        Assert.All(["Listening at http://127.0.0.1:", "Worker 1: process ", "Worker 2: process "], e => Assert.Contains(e, run.Output));
        var answers = run.Output.Split('\n').Where(l => l.EndsWith(" ms]", StringComparison.Ordinal)).ToList();
        Assert.Equal(10, answers.Count);
        // What went wrong is told in parentheses.
        Assert.All(answers, a => Assert.DoesNotContain("? (", a));
        Assert.Contains(answers, a => a.Contains("What colour is the circle? ", StringComparison.Ordinal));
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
        var run = await SampleRun.StartAsync(
            "ChatApp", folder.Path, "/image missing.png\n/image text.png\n/preset best\n/nonsense\n\n/help\nHello\n");
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
        Assert.Contains("I could not look at it:", failed.Output);
        Assert.Contains("there is no such folder", failed.Output);

        var run = await SampleRun.StartAsync(
            "VisionAgent", folder.Path, "What is in cat.png?\nWhat is in dog.png?\nhello\n", "--images", "allowed");
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        Assert.Contains("\"image\":\"cat.png\",\"answer\":", run.Output);
        Assert.Contains("The image 'dog.png' was not read", run.Output);
        Assert.Contains("Ask a question about an image", run.Output);
    }

    [Theory]
    [InlineData("VisionAgent", "Vision_ask_image")]
    [InlineData("AgentFramework", "ask_image")]
    public async Task ARealBrain_IsAskedOverHttp_AndCallsTheTools(string sample, string function)
    {
        using var folder = new TemporaryFolder();
        await using var brain = await OpenAIDouble.StartAsync(function);
        var run = await SampleRun.StartAsync(
            sample, folder.Path, "What colour is the circle?\n\n/quit\n", "--brain-url", brain.Address, "--brain-model", "brain-1");
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        Assert.Contains($"-> {function}(", run.Output);
        Assert.Contains("The brain says: red", run.Output);
        Assert.DoesNotContain("keyword rules", run.Output);
        Assert.Equal(2, brain.Requests.Count);
        Assert.All(brain.Requests, r => Assert.Equal("brain-1", r.GetProperty("model").GetString()));
        // It was offered every tool, and no image's bytes.
        Assert.Equal(5, brain.Requests[0].GetProperty("tools").GetArrayLength());
        Assert.DoesNotContain("base64", brain.Requests[0].GetRawText());
    }

    [Fact]
    public void FilesOfSeveralSamples_AreTheSame()
    {
        string[] all = ["VisionAgent", "AgentFramework", "McpServer", "ChatApp", "Grounding", "Quickstart", "Server", "Cluster"];
        string[] files = ["Arguments.cs", "Brain.cs", "RuleBrain.cs", "BoxPicture.cs", "DemoModel.cs", "LineReader.cs", "Terminal.cs",
            "images/shapes.png", "images/changed.png"];
        foreach (var file in files)
        {
            var samples = all.Select(s => Path.Combine(Repository.Root, "samples", s, file)).Where(File.Exists).ToList();
            Assert.True(samples.Count > 1, file);
            Assert.Single(samples.Select(s => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(s)))).Distinct());
        }
    }

    [Theory]
    [InlineData("VisionAgent")]
    [InlineData("AgentFramework")]
    [InlineData("McpServer")]
    [InlineData("ChatApp")]
    [InlineData("Grounding")]
    [InlineData("Quickstart")]
    [InlineData("Server")]
    [InlineData("WebApp")]
    [InlineData("Cluster")]
    public void CopiedOut_ASampleNamesTheVersionsOfTheRepository(string sample)
    {
        static Dictionary<string, string> Versions(string path, string element) =>
            XDocument.Load(path).Descendants(element).Where(e => e.Attribute("Version") is not null)
            .ToDictionary(e => e.Attribute("Include")!.Value, e => e.Attribute("Version")!.Value);
        var central = Versions(Path.Combine(Repository.Root, "Directory.Packages.props"), "PackageVersion");
        var project = Path.Combine(Repository.Root, "samples", sample, sample + ".csproj");
        Assert.All(Versions(project, "PackageReference").Where(v => v.Value != "$(D2PrunerVersion)"),
            v => Assert.Equal(central[v.Key], v.Value));
        // Nothing outside its folder is needed.
        var outside = XDocument.Load(project).Descendants()
            .Where(e => e.Attribute("Include")?.Value.StartsWith("..", StringComparison.Ordinal) == true);
        Assert.All(outside, e => Assert.Equal(("ProjectReference", "'$(InRepository)' == 'true'"),
            (e.Name.LocalName, e.Parent!.Attribute("Condition")?.Value)));
    }

    [Theory]
    [InlineData("ChatApp", "--modle", "x")]
    [InlineData("ChatApp", "--model")]
    [InlineData("Grounding", "--image", "missing.png")]
    [InlineData("Grounding", "--image", "text.png")]
    [InlineData("VisionAgent", "--images", "missing")]
    [InlineData("VisionAgent", "--brain-model", "x")]
    [InlineData("VisionAgent", "--brain-url", "not an address", "--brain-model", "x")]
    [InlineData("AgentFramework", "--image", "missing.png")]
    [InlineData("AgentFramework", "--brain-url", "http://localhost:1/v1")]
    [InlineData("McpServer", "--allow-folder", "missing")]
    [InlineData("McpServer", "--port", "x")]
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
