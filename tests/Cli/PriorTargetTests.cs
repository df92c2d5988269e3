using D2Pruner.AI.Cli;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary>A calibration never replaces a better prior unasked, and says before its work what it could not write after it.</summary>
[Collection(TorchCollection.Name)]
public sealed class PriorTargetTests
{
    private const string Model = "aa";

    [Fact]
    public void BetterPrior_IsNotReplacedUnasked()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("p.safetensors");
        PriorFile.Save(Prior(2000, Model, 2, 5), path);
        var fewer = Assert.Throws<ArgumentException>(() => PriorTarget.Check(path, Model, 2, [2, 5], force: false));
        Assert.Contains("2000 images", fewer.Message, StringComparison.Ordinal);
        Assert.Contains("--force", fewer.Message, StringComparison.Ordinal);
        Assert.Contains("K = 5", Assert.Throws<ArgumentException>(() => PriorTarget.Check(path, Model, 3000, [2], force: false)).Message,
            StringComparison.Ordinal);
        PriorTarget.Check(path, Model, 2, [2, 5], force: true);
        PriorTarget.Check(path, Model, 2000, [2, 5], force: false);
        PriorTarget.Check(path, "bb", 2, [2], force: false);
        PriorTarget.Check(folder.File("none"), Model, 2, [2], force: false);
    }

    [Fact]
    public void ReplacedPrior_IsKeptAsABackup()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("p.safetensors");
        Assert.Null(PriorTarget.Write(Prior(2000, Model, 2), path));
        Assert.Equal(path + ".bak", PriorTarget.Write(Prior(2, Model, 2), path));
        Assert.Equal(2, PriorFile.Load(path).ImageCount);
        Assert.Equal(2000, PriorFile.Load(path + ".bak").ImageCount);
    }

    [Fact]
    public async Task Command_RefusesBeforeItCounts()
    {
        using var folder = new TemporaryFolder();
        var source = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        var model = Path.Combine(source, "model");
        string[] arguments = ["--model", model, "--images", Path.Combine(source, "images"), "--layers", "2", "--limit", "2"];
        // The target is a folder.
        Directory.CreateDirectory(folder.File("target"));
        Assert.Equal(1, await CalibrateCommand.Create().Parse([.. arguments, "--out", folder.File("target")]).InvokeAsync());
        Assert.False(File.Exists(folder.File("target.partial")));
        // There is a better one.
        var path = folder.File("p.safetensors");
        PriorFile.Save(Prior(2000, null, 2), path);
        var before = File.ReadAllBytes(path);
        Assert.Equal(1, await CalibrateCommand.Create().Parse([.. arguments, "--out", path]).InvokeAsync());
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.False(File.Exists(path + ".partial"));
        Assert.Equal(0, await CalibrateCommand.Create().Parse([.. arguments, "--out", path, "--force"]).InvokeAsync());
        Assert.Equal(2, PriorFile.Load(path).ImageCount);
        Assert.Equal(before, File.ReadAllBytes(path + ".bak"));
        Assert.Equal(3, Directory.GetFileSystemEntries(folder.Path).Length);
    }

    private static PositionalBiasPrior Prior(int pictures, string? model, params int[] layers) =>
        new("p", layers.ToDictionary(k => (k, "grid"), _ => new PriorMap(1, 1, [1f]))) { ImageCount = pictures,
            ModelFingerprint = model };
}
