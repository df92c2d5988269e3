using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>Requests name priors, never files: a name that is not registered does not exist, whatever lies on the disk.</summary>
[Collection(TorchCollection.Name)]
public sealed class PriorCatalogTests
{
    private static readonly string Fixture = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");

    [Fact]
    public async Task RequestThatNamesAFile_LearnsNothingOfIt()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("secret"), "secret content of a file");
        string[] names = ["/etc/passwd", folder.File("secret"), folder.File("none"), "../secret", "", "model.safetensors",
            Path.Combine(Fixture, "priors.safetensors"), new string('x', 100_000)];
        await using var engine = await VisionLanguageEngine.LoadAsync(Options());
        var messages = new List<string>();
        foreach (var name in names)
        {
            var e = await Assert.ThrowsAsync<ArgumentException>(() => Ask(engine, name).WaitAsync(TimeSpan.FromSeconds(60)));
            Assert.Contains("is registered", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("secret content", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("bytes", e.Message, StringComparison.Ordinal);
            Assert.True(e.Message.Length < 1000);
            Assert.Equal(VisionErrorKind.InvalidRequest, e.GetVisionErrorKind());
        }
    }

    [SkippableFact]
    public async Task RequestThatNamesAPipe_IsRefusedAndTheEngineGoesOn()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        using var folder = new TemporaryFolder();
        var pipe = Fifo.Create(folder.File("pipe"));
        await using var engine = await VisionLanguageEngine.LoadAsync(Options());
        await Assert.ThrowsAsync<ArgumentException>(() => Ask(engine, pipe).WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal("uniform", await Ask(engine, "uniform").WaitAsync(TimeSpan.FromSeconds(60)));
        // Nor can an operator's mistake hold up the loading.
        var load = VisionLanguageEngine.LoadAsync(Options(("p", pipe)));
        Assert.Contains("a pipe", (await Assert.ThrowsAsync<SafetensorsException>(() => load.WaitAsync(TimeSpan.FromSeconds(60)))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task RegisteredPrior_IsUsedByItsName()
    {
        await using var engine = await VisionLanguageEngine.LoadAsync(Options(("mine", Path.Combine(Fixture, "priors.safetensors"))));
        Assert.Equal("priors.safetensors", await Ask(engine, "mine"));
        Assert.Equal("priors.safetensors", await Ask(engine, "MINE"));
        Assert.Equal("uniform", await Ask(engine, "uniform"));
        var e = await Assert.ThrowsAsync<ArgumentException>(() => Ask(engine, "other"));
        Assert.Contains("uniform, mine", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("none.safetensors")]
    public async Task RegisteredPriorThatIsNone_IsTypedAtLoad(string file) =>
        Assert.IsType<SafetensorsException>(
            await Record.ExceptionAsync(() => VisionLanguageEngine.LoadAsync(Options(("p", file.Length > 0 ? file : Path.GetTempPath())))));

    [Theory]
    [InlineData("uniform", "x")]
    [InlineData("in/door", "x")]
    [InlineData(" ", "x")]
    [InlineData("x", "")]
    public async Task NameThatIsNone_IsAnArgumentException(string name, string path) =>
        Assert.IsType<ArgumentException>(await Record.ExceptionAsync(() => VisionLanguageEngine.LoadAsync(Options((name, path)))));

    [Fact]
    public void NoisyPrior_SaysSoWhereverItIsNamed()
    {
        using var folder = new TemporaryFolder();
        var maps = new Dictionary<(int, string), PriorMap> { [(2, "grid")] = new PriorMap(1, 1, [1f]) };
        PriorFile.Save(new PositionalBiasPrior("x", maps) { SplitHalfCorrelation = 0.31 }, folder.File("n.safetensors"));
        PriorFile.Save(new PositionalBiasPrior("x", maps) { SplitHalfCorrelation = 0.98 }, folder.File("g.safetensors"));
        Assert.Equal("n.safetensors (noisy: split-half correlation 0.31)", PriorFile.Load(folder.File("n.safetensors")).Id);
        Assert.Equal("g.safetensors", PriorFile.Load(folder.File("g.safetensors")).Id);
    }

    private static VisionModelOptions Options(params (string Name, string Path)[] priors)
    {
        var options = new VisionModelOptions { ModelPath = Path.Combine(Fixture, "model"), Device = "cpu" };
        foreach (var (name, path) in priors) options.Priors[name] = path;
        return options;
    }

    private static async Task<string?> Ask(IVisionEngine engine, string prior)
    {
        var image = File.ReadAllBytes(Directory.GetFiles(Path.Combine(Fixture, "images"), "*.png").Order(StringComparer.Ordinal).First());
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [new ImagePart(image), new TextPart("What?")])],
            Generation = new GenerationSettings { MaxNewTokens = 1 },
            Pruning = new PruningSettings { LayersBeforePruning = 2, LayersAreExplicit = true, Budget = TokenBudget.OfTokens(10),
                Prior = prior },
        };
        string? used = null;
        await foreach (var e in engine.GenerateAsync(request)) if (e is PrefillCompleted p) used = p.Prefill.Prior;
        return used;
    }
}
