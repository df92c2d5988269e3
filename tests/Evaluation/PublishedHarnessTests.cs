using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Text;
using D2Pruner.AI.Tests.Provider;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>LLaVA-1.5's published figures were taken with a system line and padded images; nothing else is asked so.</summary>
[Collection(TorchCollection.Name)]
public sealed class PublishedHarnessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Llava15_IsAskedWithVicunasLine_AndSeesPaddedImages()
    {
        using var model = Model("llava-1.5-a");
        var sample = new EvaluationSample { Id = "1", Task = "gqa", Prompt = "What is it?", AsPublished = true };
        string Text(EvaluationSample s) => model.Blueprint.Template.Render(PublishedHarness.Turns(model, s, TinyPng.Bytes));
        PixelFrame Seen(EvaluationSample s) => PublishedHarness.Images(model, s).Plan(200, 100).Map.Unit;
        Assert.Equal("A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and " +
            "polite answers to the user's questions. USER: <image>\nWhat is it? ASSISTANT:", Text(sample));
        Assert.Equal("USER: <image>\nWhat is it? ASSISTANT:", Text(sample with { AsPublished = false }));
        Near(new PixelFrame(0, -50, 200, 200), Seen(sample));
        Near(new PixelFrame(50, 0, 100, 100), Seen(sample with { AsPublished = false }));
    }

    [Theory]
    [InlineData("llava-next-vicuna")]
    [InlineData("qwen2.5-vl-flat")]
    public void OtherFamilies_AreAskedAsTheyAreServed(string name)
    {
        using var model = Model(name);
        var sample = new EvaluationSample { Id = "1", Task = "gqa", Prompt = "What is it?", AsPublished = true };
        Assert.Single(PublishedHarness.Turns(model, sample, null));
        Assert.Same(model.ImageProcessor, PublishedHarness.Images(model, sample));
    }

    [Fact]
    public void Boxes_LieWhereTheImageIsFitted()
    {
        Near(new PixelFrame(0, -10, 40, 40), Units("llava-1.5-a", asServed: false)!.Value);
        Near(new PixelFrame(10, 0, 20, 20), Units("llava-1.5-a", asServed: true)!.Value);
        Near(new PixelFrame(0, -10, 40, 40), Units("llava-1.5-c", asServed: true)!.Value); // its own processor pads
        Assert.Null(Units("llava-next-vicuna", asServed: true));
        // 3136 pixels at least: 84 x 56.
        Near(new PixelFrame(0, 0, 40.0 / 84, 20.0 / 56), Units("qwen2.5-vl-flat", asServed: false)!.Value);

        static PixelFrame? Units(string name, bool asServed) =>
            PublishedHarness.Request(Folder(name), "val", 1, 1, asServed).Units?.Invoke(40, 20);
    }

    [Fact]
    public void ARun_SaysInWhichHarness_AndKeepsToIt()
    {
        var png = Convert.ToBase64String(TinyPng.Draw(SkiaSharp.SKColors.Red, 40, 20));
        File.WriteAllText(_folder.File("gqa.tsv"), $"index\tquestion\tanswer\timage\n1\tWhat is it?\tcat\t{png}\n");
        Run("published", Gqa(asServed: false));
        Run("served", Gqa(asServed: true));
        Run("demo", DemoData.Create(Split.Validation, 77, 1));
        Assert.Equal("published", About("published").TryGetProperty("harness", out var harness) ? harness.GetString() : null);
        Assert.False(About("served").TryGetProperty("harness", out _));
        Assert.False(About("demo").TryGetProperty("harness", out _));
        Assert.True(OtherTokens("published") > OtherTokens("served") + 20);
        Assert.Contains("harness", Assert.Throws<ArgumentException>(() => Run("published", Gqa(asServed: true))).Message);
        Assert.Contains("Vicuna", File.ReadAllText(_folder.File("published/report.md")));
    }

    private EvaluationData Gqa(bool asServed) =>
        DataSets.Load($"gqa={_folder.File("gqa.tsv")}", new DataRequest("test", 10, 1, PromptStyle.Llava) { AsServed = asServed });

    private void Run(string name, EvaluationData data) => EvaluationRun.Run(new EvaluationOptions
    {
        Model = new VisionModelOptions { ModelPath = Repository.DemoModel, Device = "cpu" }, Data = [data], Methods = ["stride"],
        Keep = [64], Resamples = 10, Draw = false, OutputFolder = _folder.File(name),
    });

    private JsonElement About(string name) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder.File(name), EvaluationRun.RunFileName))).RootElement;

    private int OtherTokens(string name) =>
        JsonDocument.Parse(File.ReadLines(Path.Combine(_folder.File(name), EvaluationRun.AnswersFile)).Single()).RootElement
        .GetProperty("other").GetInt32();

    private static VisionLanguageModel Model(string name) =>
        ModelLoader.LoadModel(new VisionModelOptions { ModelPath = Folder(name), Device = "cpu", Precision = ModelPrecision.Float32 });

    private static string Folder(string name) => Path.Combine(FixtureFolders.Copies!, name, "model");

    private static void Near(PixelFrame expected, PixelFrame found)
    {
        Assert.Equal(expected.X, found.X, 9);
        Assert.Equal(expected.Y, found.Y, 9);
        Assert.Equal(expected.Width, found.Width, 9);
        Assert.Equal(expected.Height, found.Height, 9);
    }
}
