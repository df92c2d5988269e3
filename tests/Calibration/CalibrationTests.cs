using System.Text.Json;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Calibration;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Calibration;

[Collection(TorchCollection.Name)]
public sealed class CalibrationTests
{
    private const double Tolerance = 1e-5;

    public static TheoryData<string> Golden() =>
        [.. Directory.GetDirectories(FixtureFolders.Copies!).Where(f => File.Exists(Path.Combine(f, "calibration.json")))
            .Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Models() =>
        [.. Directory.GetDirectories(FixtureFolders.Copies!).Where(f => FixtureFolders.KindOf(f) == FixtureKind.Model)
            .Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Golden))]
    [Trait("Category", "Conformance")]
    public void Priors_EqualTheReference(string fixture)
    {
        var folder = Path.Combine(FixtureFolders.Copies!, fixture);
        var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "calibration.json"))).RootElement;
        using var model = Load(Path.Combine(folder, "model"));
        string[] pictures = [.. json.GetProperty("images").EnumerateArray().Select(i => Path.Combine(folder, i.GetString()!))];
        int[] layers = [.. json.GetProperty("layers").EnumerateArray().Select(l => l.GetInt32())];
        var result = Calibrator.Run(
            model, pictures, new CalibrationOptions { Layers = layers, Prompt = json.GetProperty("prompt").GetString()! });
        var expected = PriorFile.Load(Path.Combine(folder, json.GetProperty("expected").GetString()!));
        Assert.Equal(expected.Maps.Keys.Order(), result.Prior.Maps.Keys.Order());
        foreach (var (key, map) in expected.Maps)
        {
            var actual = result.Prior.Maps[key];
            Assert.Equal((map.Rows, map.Columns), (actual.Rows, actual.Columns));
            for (var i = 0; i < map.Values.Length; i++)
                Assert.True(Math.Abs(map.Values[i] - actual.Values[i]) <= Tolerance * Math.Abs(map.Values[i]),
                    $"{key}[{i}]: {map.Values[i]} expected, {actual.Values[i]} found");
        }

        Assert.All(result.SplitHalf.Values, r => Assert.InRange(r, -1, 1));
        Assert.Equal(pictures.Length, result.Prior.ImageCount);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void EveryFamily_CalibratesOneMapPerComponent(string fixture)
    {
        var folder = Path.Combine(FixtureFolders.Copies!, fixture);
        using var model = Load(Path.Combine(folder, "model"));
        var pictures = Calibrator.FindImages(Path.Combine(folder, "images")).Take(2).ToArray();
        var prior = Calibrator.Run(model, pictures, new CalibrationOptions { Layers = [1, 2] }).Prior;
        var known = PriorFile.Load(Path.Combine(folder, "priors.safetensors")).Maps.Keys.Select(k => k.Component).Distinct().Order();
        foreach (var k in new[] { 1, 2 }) Assert.Equal(known, prior.Maps.Keys.Where(m => m.Layer == k).Select(m => m.Component).Order());
        // A row of softmax attention sums to at most one, over all components.
        Assert.True(prior.Maps.Where(m => m.Key.Layer == 2).Sum(m => m.Value.Values.Sum(v => (double)v)) <= 1.0001);
    }

    [Fact]
    public void InterruptedAndResumed_EqualsUninterrupted()
    {
        using var folder = new TemporaryFolder();
        var (model, pictures) = Small();
        using (model)
        {
            var whole = Calibrator.Run(model, pictures, new CalibrationOptions { Layers = [2, 5] });
            var options = new CalibrationOptions { Layers = [2, 5], StatePath = folder.File("state"), SaveEvery = 1 };
            using var stop = new CancellationTokenSource();
            var seen = new List<CalibrationProgress>();
            Assert.Throws<OperationCanceledException>(
                () => Calibrator.Run(model, pictures, options,
                    new Immediate(p => { seen.Add(p); if (p.Done == 3) stop.Cancel(); }), stop.Token));
            Assert.Equal(3, seen[^1].Done);
            var rest = new List<CalibrationProgress>();
            var resumed = Calibrator.Run(model, pictures, options, new Immediate(rest.Add));
            Assert.Equal(3, rest[0].Resumed);
            Assert.Equal(pictures.Length - 3, rest.Count);
            Assert.All(whole.Prior.Maps, m => Assert.Equal(m.Value.Values, resumed.Prior.Maps[m.Key].Values));
            Assert.Equal(whole.Prior.SplitHalfCorrelation, resumed.Prior.SplitHalfCorrelation);
            // Other pictures or another K are another calibration.
            var other = new List<CalibrationProgress>();
            Calibrator.Run(model, pictures, options with { Layers = [2] }, new Immediate(other.Add));
            Assert.Equal(0, other[0].Resumed);
        }
    }

    [Fact]
    public void DamagedPicture_IsSkippedAndNamed_AndNothingButDamageIsAnError()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("broken.png"), [1, 2, 3]);
        var (model, pictures) = Small();
        using (model)
        {
            var result = Calibrator.Run(model, [folder.File("broken.png"), pictures[0]], new CalibrationOptions { Layers = [2] });
            Assert.Contains("broken.png", Assert.Single(result.Skipped), StringComparison.Ordinal);
            Assert.Equal(1, result.Prior.ImageCount);
            Assert.Contains("broken.png",
                Assert.Throws<ArgumentException>(
                    () => Calibrator.Run(model, [folder.File("broken.png")], new CalibrationOptions { Layers = [2] })).Message,
                    StringComparison.Ordinal);
            Assert.Throws<ArgumentOutOfRangeException>(() => Calibrator.Run(model, pictures, new CalibrationOptions { Layers = [99] }));
        }
    }

    [Fact]
    public async Task Command_WritesAPriorThatTheModelFindsByItself_AndOtherModelsRefuse()
    {
        using var folder = new TemporaryFolder();
        var source = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        var model = folder.Copy(Path.Combine(source, "model"));
        Assert.Equal(0, await CalibrateCommand.Create()
            .Parse(["--model", model, "--images", Path.Combine(source, "images"), "--layers", "2,5"]).InvokeAsync());
        var file = Path.Combine(model, ModelLoader.PriorFileName);
        var written = PriorFile.Load(file);
        Assert.Equal([2, 5], written.Layers);
        Assert.NotNull(written.ModelFingerprint);
        Assert.NotNull(written.TemplateHash);
        Assert.True(written.ImageCount > 2 && written.SplitHalfCorrelation is > -1 and <= 1);
        Assert.False(File.Exists(file + ".partial"));
        using (var loaded = Load(model)) Assert.Equal([2, 5], loaded.Info.PriorLayers);

        // Beside another model it is refused, by name and with the remedy.
        var other = folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-c"), f => f.StartsWith("model", StringComparison.Ordinal));
        File.Copy(file, Path.Combine(other, "model", ModelLoader.PriorFileName));
        var error = Assert.Throws<PriorMismatchException>(() => Load(Path.Combine(other, "model")));
        Assert.Contains("another model", error.Message, StringComparison.Ordinal);
        Assert.Contains("d2pruner calibrate", error.Message, StringComparison.Ordinal);
        // Calibration itself must be able to replace it. One picture a half and random weights: the halves
        // disagree, which is refused unless it is meant.
        string[] two = ["--model", Path.Combine(other, "model"), "--images", Path.Combine(source, "images"), "--limit", "2"];
        var copy = Path.Combine(other, "model", ModelLoader.PriorFileName);
        Assert.Equal(1, await CalibrateCommand.Create().Parse(two).InvokeAsync());
        Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(copy));
        Assert.Equal(0, await CalibrateCommand.Create().Parse([.. two, "--force"]).InvokeAsync());
        Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(copy + ".bak"));
        Assert.Contains("noisy", PriorFile.Load(copy).Id, StringComparison.Ordinal);
        Load(Path.Combine(other, "model")).Dispose();
    }

    // The head's bits are in the fingerprint that a prior carries.
    [Fact]
    public async Task Command_MakesAPrior_ForAHeadOfEightBits()
    {
        using var folder = new TemporaryFolder();
        var source = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        var model = folder.Copy(Path.Combine(source, "model"));
        Assert.Equal(0, await CalibrateCommand.Create()
            .Parse(["--model", model, "--images", Path.Combine(source, "images"), "--layers", "2", "--quantization", "Int8",
                "--quantize-head", "--force"]).InvokeAsync());
        using var loaded = ModelLoader.LoadModel(new VisionModelOptions
        {
            ModelPath = model, Device = "cpu", Quantization = ModelQuantization.Int8, QuantizeHead = true,
        });
        Assert.Equal([2], loaded.Info.PriorLayers);
    }

    [Fact]
    public async Task PriorNamedByARequest_ForAnotherK_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var (model, pictures) = Small();
        string path;
        using (model)
        {
            path = folder.File("prior.safetensors");
            PriorFile.Save(Calibrator.Run(model, pictures, new CalibrationOptions { Layers = [2] }).Prior, path);
        }

        var fixture = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = Path.Combine(fixture, "model"), Device = "cpu", Priors = { ["own"] = path } });
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [new ImagePart(File.ReadAllBytes(pictures[0])), new TextPart("What?")])],
            Generation = new GenerationSettings { MaxNewTokens = 1 },
            Pruning = new PruningSettings { LayersBeforePruning = 3, LayersAreExplicit = true, Prior = "own",
                Budget = TokenBudget.OfTokens(10) },
        };
        var error = await Assert.ThrowsAsync<PriorMismatchException>(
            async () => { await foreach (var _ in engine.GenerateAsync(request)) { } });
        Assert.Contains("K = 3", error.Message, StringComparison.Ordinal);
        await foreach (var _ in engine.GenerateAsync(request with { Pruning = request.Pruning with { LayersBeforePruning = 2 } })) { }
    }

    [Fact]
    public async Task SelfCalibration_CountsAfterEnoughPictures()
    {
        var fixture = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = Path.Combine(fixture, "model"), Device = "cpu", SelfCalibrate = true,
                SelfCalibrationImages = 3 });
        var pictures = Calibrator.FindImages(Path.Combine(fixture, "images"));
        var priors = new List<string?>();
        for (var i = 0; i < 5; i++)
        {
            var request = new VisionRequest
            {
                Turns = [new ChatTurn("user", [new ImagePart(File.ReadAllBytes(pictures[i % pictures.Count])), new TextPart("What?")])],
                Generation = new GenerationSettings { MaxNewTokens = 1 },
                Pruning = new PruningSettings { Budget = TokenBudget.OfTokens(10) },
            };
            await foreach (var e in engine.GenerateAsync(request)) if (e is PrefillCompleted p) priors.Add(p.Prefill.Prior);
        }

        Assert.Equal(["uniform", "uniform", "uniform"], priors.Take(3));
        Assert.Equal("self-calibrated on 3 images", priors[3]);
        Assert.Equal("self-calibrated on 4 images", priors[4]);
    }

    [Theory]
    [InlineData(null, 12, new[] { 2, 5 })]
    [InlineData(null, 4, new[] { 2, 3 })]
    [InlineData("5, 2", 12, new[] { 2, 5 })]
    public void Layers_AreParsed(string? text, int layers, int[] expected) =>
        Assert.Equal(expected, CalibrateCommand.ParseLayers(text, layers));

    [Theory]
    [InlineData("0")]
    [InlineData("two")]
    [InlineData("")]
    public void Layers_RefuseTheRest(string text) =>
        Assert.Contains("--layers", Assert.Throws<ArgumentException>(() => CalibrateCommand.ParseLayers(text, 12)).Message,
            StringComparison.Ordinal);

    private static (VisionLanguageModel Model, string[] Pictures) Small()
    {
        var fixture = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        return (Load(Path.Combine(fixture, "model")), [.. Calibrator.FindImages(Path.Combine(fixture, "images")).Take(5)]);
    }

    private static VisionLanguageModel Load(string path) =>
        ModelLoader.LoadModel(new VisionModelOptions { ModelPath = path, Device = "cpu", Precision = ModelPrecision.Float32 });

    private sealed class Immediate(Action<CalibrationProgress> action) : IProgress<CalibrationProgress>
    {
        public void Report(CalibrationProgress value) => action(value);
    }
}
