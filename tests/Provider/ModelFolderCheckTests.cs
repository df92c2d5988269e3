using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>What a cache's key knows of a model's files.</summary>
public sealed class ModelFolderCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void ASnapshotOfLinks_HasTheFingerprintOfItsFiles_AndItsWeightsAreNotReadWhole()
    {
        Skip.If(OperatingSystem.IsWindows(), "Links need a permission there.");
        var (plain, linked, blobs) = (Create("plain"), Create("linked"), Create("blobs"));
        foreach (var (name, length) in new[] { ("config.json", 100), ("model.safetensors", (1 << 20) + 1) })
        {
            File.WriteAllBytes(Path.Combine(plain, name), new byte[length]);
            File.WriteAllBytes(Path.Combine(blobs, name), new byte[length]);
            File.CreateSymbolicLink(Path.Combine(linked, name), Path.Combine("..", "blobs", name));
        }

        var expected = ModelFolderCheck.Fingerprint(plain);
        Assert.Equal(expected, ModelFolderCheck.Fingerprint(linked));
        // More than can be read at once: a link's own length would say that it is small.
        using (var large = new FileStream(Path.Combine(blobs, "model.safetensors"), FileMode.Open)) large.SetLength(3L << 30);
        Assert.NotEqual(expected, ModelFolderCheck.Fingerprint(linked));
        // Other weights of the same length: two fine-tunes of one model have nothing else that tells them apart.
        File.WriteAllBytes(Path.Combine(blobs, "model.safetensors"), [.. Enumerable.Repeat((byte)1, (1 << 20) + 1)]);
        Assert.NotEqual(expected, ModelFolderCheck.Fingerprint(linked));
        File.WriteAllBytes(Path.Combine(blobs, "model.safetensors"), new byte[(1 << 20) + 1]);
        Assert.Equal(expected, ModelFolderCheck.Fingerprint(linked));
        File.WriteAllBytes(Path.Combine(blobs, "config.json"), [.. Enumerable.Repeat((byte)1, 100)]);
        Assert.NotEqual(expected, ModelFolderCheck.Fingerprint(linked));
        // One that leads nowhere is the load's matter.
        File.Delete(Path.Combine(blobs, "model.safetensors"));
        Assert.NotEmpty(ModelFolderCheck.Fingerprint(linked));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    [InlineData((2 << 20) - 1)]
    public void WeightsChangedInPlace_HaveAnotherFingerprint(int at)
    {
        var folder = Create("model");
        var weights = new byte[2 << 20];
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), weights);
        var before = ModelFolderCheck.Fingerprint(folder);
        weights[at] = 1;
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), weights);
        Assert.NotEqual(before, ModelFolderCheck.Fingerprint(folder));
    }

    [Fact]
    public void BeforeTheLoad_TheFilesAreLookedAtEachTime()
    {
        var folder = Create("model");
        File.WriteAllText(Path.Combine(folder, "config.json"), "{}");
        using var model = new LazyModel(new VisionModelOptions { ModelPath = folder }, null);
        var before = model.Fingerprint;
        Assert.Equal(before, model.Fingerprint);
        File.WriteAllText(Path.Combine(folder, "config.json"), "{ }");
        Assert.NotEqual(before, model.Fingerprint);
    }

    [Fact]
    public void OfALoadedEngine_TheWeightsThatItWasLoadedFromCount()
    {
        var folder = Create("model");
        File.WriteAllText(Path.Combine(folder, "config.json"), "{}");
        var (one, two) = (new LoadedModel(new FolderEngine(folder)), new LoadedModel(new FolderEngine(folder, new string('1', 64))));
        Assert.NotEqual(one.Fingerprint, two.Fingerprint);
    }

    [SkippableFact]
    public void AFolderThatCannotBeRead_IsReadAgain()
    {
        Skip.If(OperatingSystem.IsWindows(), "Links need a permission there.");
        var folder = Create("model");
        var prior = Path.Combine(folder, ModelLoader.PriorFileName);
        File.CreateSymbolicLink(prior, "nowhere");
        var model = new LoadedModel(new FolderEngine(folder));
        Assert.ThrowsAny<IOException>(() => model.Fingerprint);
        File.Delete(prior);
        Assert.Contains(ModelFolderCheck.Fingerprint(folder), model.Fingerprint, StringComparison.Ordinal);
    }

    [Fact]
    public void RegisteredPriors_AreInTheFingerprint_WhereverTheyLie()
    {
        var model = _folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"));
        Directory.CreateDirectory(Path.Combine(model, "priors"));
        foreach (var path in new[] { model, "nobody/has-such-a-model" })
        {
            var outside = _folder.File("indoor.safetensors");
            File.WriteAllBytes(outside, [1, 2, 3]);
            var first = Of(path, "indoor", outside);
            Assert.NotEqual(Of(path, null, null), first);
            Assert.NotEqual(Of(path, "outdoor", outside), first);
            Assert.Equal(Of(path, "indoor", outside), first);
            File.WriteAllBytes(outside, [1, 2, 4]);
            Assert.NotEqual(Of(path, "indoor", outside), first);
        }

        // Relative ones lie below the model's folder.
        var inside = Path.Combine("priors", "own.safetensors");
        File.WriteAllBytes(Path.Combine(model, inside), [1]);
        var one = Of(model, "own", inside);
        File.WriteAllBytes(Path.Combine(model, inside), [2]);
        Assert.NotEqual(Of(model, "own", inside), one);
    }

    private static string Of(string path, string? prior, string? file)
    {
        var options = new VisionModelOptions { ModelPath = path, DownloadIfMissing = true };
        if (prior is not null) options.Priors[prior] = file!;
        using var model = new LazyModel(options, null);
        return model.Fingerprint;
    }

    private string Create(string name) => Directory.CreateDirectory(_folder.File(name)).FullName;

    /// <summary>A loaded model of a folder.</summary>
    private sealed class FolderEngine(string folder, string? fingerprint = null) : IVisionEngine
    {
        public VisionModelInfo Model { get; } = new()
        {
            Id = "folder", Family = "llava", Folder = folder, ContextLength = 1, DecoderLayers = 1, Parameters = 1, DType = "float32",
            Device = "cpu", Fingerprint = fingerprint ?? new string('0', 64),
        };

        public EngineStatus GetStatus() => new(EngineState.Ready, 0, false, 0);

        public IAsyncEnumerable<GenerationEvent> GenerateAsync(VisionRequest request, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();
    }
}
