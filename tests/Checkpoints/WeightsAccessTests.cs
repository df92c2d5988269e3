using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Tests.Provider;
using Xunit;

namespace D2Pruner.AI.Tests.Checkpoints;

/// <summary>Weight files that change under a loaded model: a copy does not care, a mapping refuses to go on,
/// and nothing ends the process.</summary>
[Collection(TorchCollection.Name)]
public sealed class WeightsAccessTests
{
    private static readonly string Fixture = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");

    [SkippableFact]
    public void FilesThatOthersCanWrite_AreCopied()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        using var folder = new TemporaryFolder();
        var file = folder.File("w");
        File.WriteAllBytes(file, [1]);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, (UnixFileMode)0b110_110_110);
        Assert.True(WeightsAccess.Decide([file], null).InMemory);
        var asked = WeightsAccess.Decide([file], false);
        Assert.False(asked.InMemory);
        Assert.Contains("WeightsInMemory", asked.ToString(), StringComparison.Ordinal);
        Assert.True(WeightsAccess.Decide([file], true).InMemory);
        if (Environment.UserName == "root")
            Assert.Contains("this process may write it", WeightsAccess.Decide([file], null).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cut off")]
    [InlineData("overwritten by a smaller one")]
    [InlineData("overwritten in place")]
    public async Task ChangedFile_DoesNotTouchAModelInMemory(string change)
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(Fixture, "model"));
        await using var engine = await VisionLanguageEngine.LoadAsync(Options(model, true));
        var before = await Ask(engine);
        Change(model, change);
        Assert.Equal(before, await Ask(engine));
    }

    /// <summary>Each of these ended the process with a signal (135), or answered with other weights.</summary>
    [Theory]
    [InlineData("cut off", "bytes and has 100")]
    [InlineData("overwritten by a smaller one", "bytes and has")]
    [InlineData("overwritten in place", "was written at")]
    public async Task ChangedFile_OfAMappedModel_IsATypedErrorBeforeTheNextRequest(string change, string message)
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(Fixture, "model"));
        await using var engine = await VisionLanguageEngine.LoadAsync(Options(model, false));
        await Ask(engine);
        Change(model, change);
        var e = await Assert.ThrowsAsync<WeightsChangedException>(() => Ask(engine));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Contains("WeightsInMemory", e.Message, StringComparison.Ordinal);
        Assert.Equal(VisionErrorKind.Unavailable, e.GetVisionErrorKind());
        // The engine has ended, and whoever asks or looks is told why.
        Assert.Equal(EngineState.Faulted, engine.GetStatus().State);
        Assert.Contains(message, engine.GetStatus().Error!, StringComparison.Ordinal);
        var late = await Assert.ThrowsAsync<EngineUnavailableException>(() => Ask(engine));
        Assert.Contains(message, late.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WeightsThatAreFreed_SayNothingOfTheirFiles(bool inMemory)
    {
        var weights = CheckpointWeights.Open(CheckpointFolder.Open(Path.Combine(Fixture, "model")), inMemory);
        weights.ThrowIfChanged();
        weights.Dispose();
        Assert.Throws<ObjectDisposedException>(() => weights.ThrowIfChanged());
        weights.Dispose();
    }

    [Fact]
    public async Task FileReplacedByAnother_IsNotTheOneInUse()
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(Fixture, "model"));
        await using var engine = await VisionLanguageEngine.LoadAsync(Options(model, false));
        var before = await Ask(engine);
        var file = Weights(model);
        File.WriteAllBytes(file + ".new", [1, 2, 3]);
        File.Move(file + ".new", file, overwrite: true);
        Assert.Equal(before, await Ask(engine));
    }

    [Fact]
    public void CutWhileLoading_IsATypedError()
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(Fixture, "model"));
        foreach (var inMemory in new[] { true, false })
        {
            using var weights = CheckpointWeights.Open(CheckpointFolder.Open(model), inMemory);
            weights.Configure(TorchSharp.torch.ScalarType.Float64, TorchSharp.torch.CPU, null, default);
            var bytes = File.ReadAllBytes(Weights(model));
            using (var file = new FileStream(Weights(model), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
                file.SetLength(bytes.Length / 2);
            var blueprint = ModelFamilies.Read(CheckpointFolder.Open(model));
            weights.Check(blueprint.Plan(), blueprint.Names, blueprint.Unused);
            var e = Record.Exception(() =>
            {
                blueprint.TakeDecoder(weights);
                blueprint.TakeVision(weights);
            });
            Assert.Contains("bytes and has", Assert.IsType<SafetensorsException>(e).Message, StringComparison.Ordinal);
            File.WriteAllBytes(Weights(model), bytes);
        }
    }

    [Fact]
    public void Mode_IsLoggedAndKnown()
    {
        var logger = new CollectingLogger();
        using var model = ModelLoader.LoadModel(Options(Path.Combine(Fixture, "model"), true), logger: logger);
        Assert.True(model.WeightsAccess.InMemory);
        Assert.Contains(logger.Lines, l => l.Contains("copied into memory", StringComparison.Ordinal)
            && l.Contains(" s.", StringComparison.Ordinal));
        using var mapped = ModelLoader.LoadModel(Options(Path.Combine(Fixture, "model"), false), logger: logger);
        Assert.False(mapped.WeightsAccess.InMemory);
        Assert.Contains(logger.Lines, l => l.Contains("mapped", StringComparison.Ordinal));
    }

    private static VisionModelOptions Options(string model, bool inMemory) =>
        new() { ModelPath = model, Device = "cpu", WeightsInMemory = inMemory };

    private static string Weights(string model) => Path.Combine(model, "model.safetensors");

    private static void Change(string model, string change)
    {
        using var file = new FileStream(Weights(model), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        switch (change)
        {
            case "cut off":
                file.SetLength(100);
                break;
            case "overwritten by a smaller one":
                var small = File.ReadAllBytes(Path.Combine(Fixture, "priors.safetensors"));
                file.SetLength(0);
                file.Write(small);
                break;
            default:
                file.Seek(-1000, SeekOrigin.End);
                file.Write(new byte[1000]);
                break;
        }
    }

    private static async Task<string> Ask(IVisionEngine engine)
    {
        var image = File.ReadAllBytes(Directory.GetFiles(Path.Combine(Fixture, "images"), "*.png").Order(StringComparer.Ordinal).First());
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [new ImagePart(image), new TextPart("What is shown?")])],
            Generation = new GenerationSettings { MaxNewTokens = 8, Temperature = 0 },
            Pruning = new PruningSettings { Budget = TokenBudget.OfTokens(10), Prior = "uniform" },
        };
        var text = "";
        await foreach (var e in engine.GenerateAsync(request)) if (e is GenerationCompleted c) text = string.Join(',', c.Result.TokenIds);
        return text;
    }
}
