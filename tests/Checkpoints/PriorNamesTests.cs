using D2Pruner.AI.Cli;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Checkpoints;

/// <summary>The priors that lie beside a model, one a precision, are known as such wherever files are told apart.</summary>
public sealed class PriorNamesTests
{
    public static TheoryData<ModelQuantization> Quantizations { get; } = [.. Enum.GetValues<ModelQuantization>()];

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("my-d2pruner-priors.safetensors")]
    [InlineData("d2pruner-priors.txt")]
    public void OtherFiles_AreNone(string name) => Assert.False(PriorFile.IsName(name));

    [Theory]
    [MemberData(nameof(Quantizations))]
    public void ThoseThatALoadLooksFor_AreAll(ModelQuantization quantization) =>
        Assert.True(PriorFile.IsName(Path.GetFileName(ModelLoader.PriorPath("model", quantization))));

    [Theory]
    [MemberData(nameof(Quantizations))]
    public void FingerprintOfAFolder_DependsOnTheirContent(ModelQuantization quantization)
    {
        using var folder = new TemporaryFolder();
        var content = new byte[(2 << 20) + 1]; // of smaller files the content counts in any case
        File.WriteAllBytes(ModelLoader.PriorPath(folder.Path, quantization), content);
        var before = ModelFolderCheck.Fingerprint(folder.Path);
        content[^1] = 1;
        File.WriteAllBytes(ModelLoader.PriorPath(folder.Path, quantization), content);
        Assert.NotEqual(before, ModelFolderCheck.Fingerprint(folder.Path));
    }

    [Theory]
    [MemberData(nameof(Quantizations))]
    public void Doctor_TellsOfThem(ModelQuantization quantization)
    {
        using var folder = new TemporaryFolder();
        Assert.False(HasPrior(folder.Path));
        File.WriteAllText(ModelLoader.PriorPath(folder.Path, quantization), "");
        Assert.True(HasPrior(folder.Path));
    }

    private static bool HasPrior(string folder)
    {
        var report = new DoctorReport
        {
            Torch = new TorchEnvironmentReport("", "", "", null, 0, 0, null, "not looked for"),
            LibtorchFolder = null,
            Gpus = [],
            MemoryTotal = 1,
            MemoryFree = 1,
            CacheFolder = folder,
            DiskFree = null,
            Cached = [new CachedModel("owner/tiny", "a", [], folder, 1, true, default)],
            Probe = null,
            Models = [],
        };
        return report.ToJson()["cache"]!["models"]![0]!["prior"]!.GetValue<bool>();
    }
}
